//! The interface as those see it who ask.

mod described;
mod events;
mod kit;
mod manners;
mod roles;
mod scope;
mod work;
