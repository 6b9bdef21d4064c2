//! Numbers on tiles can be read: axe cannot tell what is behind a text in a picture, so this does.

use ward_pages::asset::Asset;

/// The least contrast of text to what is behind it (WCAG 2.2, 1.4.3).
const LEAST: f64 = 4.5;

#[test]
fn what_stands_on_a_tile_stands_out_from_it() {
    let style = std::str::from_utf8(Asset::named("ward.css").unwrap().bytes()).unwrap();
    let (dark, light) = (fill(style, ".ward-tile text"), fill(style, ".ward-tile--4 text"));
    for (text, tile) in [
        (dark, ".ward-tile rect"),
        (dark, ".ward-tile--0 rect"),
        (dark, ".ward-tile--1 rect"),
        (dark, ".ward-tile--2 rect"),
        (light, ".ward-tile--3 rect"),
        (light, ".ward-tile--4 rect"),
    ] {
        let contrast = contrast(text, fill(style, tile));
        assert!(contrast >= LEAST, "{tile}: {contrast:.1}");
    }
}

#[test]
fn contrast_is_that_of_the_guideline() {
    let (black, white, grey) = ([0; 3], [255; 3], [0x76; 3]);
    assert_eq!(format!("{:.2}", contrast(black, white)), "21.00");
    assert_eq!(format!("{:.2}", contrast(grey, white)), "4.54");
}

/// The colour that a selector's rule fills with.
fn fill(style: &str, selector: &str) -> [u8; 3] {
    let rule = style.split('}').find(|rule| {
        let selectors = rule.split('{').next().unwrap_or_default();
        selectors.lines().any(|line| line.trim_end_matches([',', ' ']) == selector)
    });
    let rule = rule.unwrap_or_else(|| panic!("no rule for {selector}"));
    let name = rule.split("fill: var(").nth(1).unwrap().split(')').next().unwrap();
    let colour = style.split(&format!("{name}: #")).nth(1).unwrap().split(';').next().unwrap();
    let digits: String = match colour.len() {
        3 => colour.chars().flat_map(|digit| [digit, digit]).collect(),
        _ => colour.to_owned(),
    };
    [0, 2, 4].map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
}

/// WCAG 2.2, contrast ratio.
fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// WCAG 2.2, relative luminance.
fn luminance(colour: [u8; 3]) -> f64 {
    let [red, green, blue] = colour.map(|part| {
        let part = f64::from(part) / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}
