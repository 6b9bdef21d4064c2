//! What `build.rs` put into the program: a table of assets and one of templates.

use std::borrow::Cow;

use crate::asset::Asset;

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

const fn asset(
    name: &'static str,
    hash: &'static str,
    bytes: &'static [u8],
    gzip: Option<&'static [u8]>,
) -> Asset {
    Asset { name: Cow::Borrowed(name), hash: Cow::Borrowed(hash), bytes: Cow::Borrowed(bytes), gzip }
}
