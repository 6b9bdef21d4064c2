//! The interface of the hub over HTTP.
