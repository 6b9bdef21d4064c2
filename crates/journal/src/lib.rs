//! Durable segments: where an event lives between received and in the lake.
