//! Keyed 64-bit fingerprints of group values and counted values.
//!
//! SipHash-1-3 (Aumasson and Bernstein 2012): keyed, so that whoever writes user names cannot choose
//! them to collide, and written down here because a checkpoint must mean the same after an upgrade of
//! compiler and libraries.
//!
//! Among n keys, two share a fingerprint with probability n²/2^65: 0.00004 for 40 million. The two are
//! then counted as one.

/// Fingerprint of a further part, given that of the parts before it. Never 0.
pub fn extend(seed: u64, before: u64, part: &[u8]) -> u64 {
    sip13(seed, before, part).max(1)
}

fn sip13(k0: u64, k1: u64, bytes: &[u8]) -> u64 {
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let (words, tail) = bytes.as_chunks::<8>();
    for word in words {
        absorb(&mut v, u64::from_le_bytes(*word));
    }
    let mut last = [0u8; 8];
    last[..tail.len()].copy_from_slice(tail);
    last[7] = bytes.len() as u8;
    absorb(&mut v, u64::from_le_bytes(last));
    v[2] ^= 0xff;
    for _ in 0..3 {
        round(&mut v);
    }
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

#[inline]
fn absorb(v: &mut [u64; 4], word: u64) {
    v[3] ^= word;
    round(v);
    v[0] ^= word;
}

#[inline]
fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::Hasher;

    #[test]
    fn it_is_the_siphash_of_the_standard_library() {
        for len in 0..40u8 {
            let bytes: Vec<u8> = (0..len).map(|i| i.wrapping_mul(37)).collect();
            let mut judge = std::collections::hash_map::DefaultHasher::new();
            judge.write(&bytes);
            assert_eq!(sip13(0, 0, &bytes), judge.finish(), "{len} bytes");
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let pair = |a: &[u8], b: &[u8]| extend(1, extend(1, 9, a), b);
        assert_ne!(pair(b"ab", b"c"), pair(b"a", b"bc"));
        assert_ne!(extend(1, 9, b"a"), extend(2, 9, b"a"));
        assert_ne!(extend(1, 9, b"a"), extend(1, 8, b"a"));
    }
}
