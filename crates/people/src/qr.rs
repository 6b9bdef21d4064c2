//! A QR code as a picture that a page with the strictest policy shows: SVG without style, script or link.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// Modules of empty space around it: ISO/IEC 18004 asks for four.
const QUIET: i32 = 4;

/// The text as a QR code. It has no size of its own: the page gives it one. `label` is what somebody hears who sees no
/// pictures; the text itself must stand beside it. `None`: the text is too long for any code.
pub fn svg(text: &str, label: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let (size, mut path) = (code.size(), String::new());
    for y in 0..size {
        let mut x = 0;
        while x < size {
            let from = x;
            while x < size && code.get_module(x, y) {
                x += 1;
            }
            if x > from {
                let _ = write!(path, "M{},{}h{}v1h-{}z", from + QUIET, y + QUIET, x - from, x - from);
            }
            x += 1;
        }
    }
    let (side, label) = (size + 2 * QUIET, escaped(label));
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" role=\"img\" aria-label=\"{label}\" \
         shape-rendering=\"crispEdges\"><rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/>\
         <path d=\"{path}\" fill=\"#000\"/></svg>"
    ))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The modules that the path paints.
    fn painted(svg: &str, side: usize) -> Vec<Vec<bool>> {
        let path = svg.split("d=\"").nth(1).unwrap().split('"').next().unwrap();
        let mut grid = vec![vec![false; side]; side];
        for run in path.split('M').skip(1) {
            let (place, rest) = run.split_once('h').unwrap();
            let (x, y) = place.split_once(',').unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            let length: usize = rest.split('v').next().unwrap().parse().unwrap();
            grid[y][x..x + length].fill(true);
        }
        grid
    }

    #[test]
    fn the_picture_has_the_modules_of_the_code_within_its_quiet_zone() {
        let text = "otpauth://totp/Ward:a@b.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Ward";
        let svg = svg(text, "a \"code\"").unwrap();
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).unwrap();
        let side = (code.size() + 2 * QUIET) as usize;
        assert!(
            svg.contains(&format!("viewBox=\"0 0 {side} {side}\"")) && svg.contains("a &quot;code&quot;")
        );
        let grid = painted(&svg, side);
        for (y, row) in grid.iter().enumerate() {
            for (x, module) in row.iter().enumerate() {
                assert_eq!(*module, code.get_module(x as i32 - QUIET, y as i32 - QUIET), "{x} {y}");
            }
        }
        assert!(!svg.contains("style") && !svg.contains("script") && !svg.contains(text));
    }

    #[test]
    fn what_is_too_long_has_no_code() {
        assert_eq!(svg(&"x".repeat(5_000), ""), None);
    }
}
