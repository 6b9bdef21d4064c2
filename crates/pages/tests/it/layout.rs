//! The layout: what stands around every page.

use std::collections::BTreeMap;

use ward_pages::asset::Asset;
use ward_pages::{Brand, Console, Fault, Link, Notice, Page};

use crate::html::{Part, elements, parts};
use crate::sample::{self, Role};

fn rendered(brand: Brand, page: &Page) -> String {
    let shown = BTreeMap::from([("paragraphs", ["One paragraph."])]);
    Console::new(brand).unwrap().render("message.jinja", page, &shown).unwrap()
}

/// The text that comes right after the beginning of an element that fits.
fn text_in(html: &str, fits: impl Fn(&str, &BTreeMap<String, String>) -> bool) -> Vec<String> {
    let all = parts(html);
    let pairs = all.windows(2).filter_map(|pair| match pair {
        [Part::Start(name, attributes), Part::Text(text)] if fits(name, attributes) => Some(text.clone()),
        _ => None,
    });
    pairs.collect()
}

fn has_class(attributes: &BTreeMap<String, String>, class: &str) -> bool {
    attributes.get("class").is_some_and(|classes| classes.split(' ').any(|one| one == class))
}

#[test]
fn it_begins_with_a_way_to_the_content_and_has_the_landmarks() {
    let html = rendered(Brand::default(), &Page::new("Alerts"));
    let elements = elements(&html);
    let first_link = elements.iter().find(|(name, _)| name == "a").unwrap();
    assert_eq!(first_link.1["href"], "#maincontent");
    for name in ["header", "main", "footer"] {
        assert_eq!(elements.iter().filter(|(found, _)| found == name).count(), 1, "{name}");
    }
    let main = elements.iter().find(|(name, _)| name == "main").unwrap();
    assert_eq!(main.1["id"], "maincontent");
    assert_eq!(text_in(&html, |name, _| name == "title"), ["Alerts - Ward"]);
}

#[test]
fn by_default_it_is_ward_and_never_the_mark_of_the_nhs() {
    let html = rendered(Brand::default(), &Page::new("Alerts"));
    let logo = elements(&html).into_iter().find(|(name, _)| name == "img").unwrap().1;
    assert_eq!(logo["src"], Asset::named("ward-mark.svg").unwrap().url());
    assert_eq!(text_in(&html, |_, attributes| has_class(attributes, "nhsuk-header__service-name")), ["Ward"]);
    assert!(!html.contains("nhsuk-header__logo\"") && !html.contains("NHS England"), "{html}");
}

#[test]
fn name_and_logo_are_whose_console_it_is() {
    let brand = Brand::named("Riverside & Partners").unwrap().with_logo(b"<svg/>".to_vec()).unwrap();
    let url = brand.logo().unwrap().url();
    let html = rendered(brand, &Page::new("Alerts"));
    assert_eq!(text_in(&html, |name, _| name == "title"), ["Alerts - Riverside & Partners"]);
    assert_eq!(elements(&html).into_iter().find(|(name, _)| name == "img").unwrap().1["src"], url);
}

#[test]
fn the_navigation_is_that_of_the_role_with_where_one_is() {
    let html = rendered(Brand::default(), &sample::page(Role::Lead, "/alerts/7"));
    let links: Vec<_> = elements(&html)
        .into_iter()
        .filter(|(name, attributes)| name == "a" && has_class(attributes, "nhsuk-header__navigation-link"))
        .map(|(_, attributes)| (attributes["href"].clone(), attributes.get("aria-current").cloned()))
        .collect();
    let here = Some("true".to_owned());
    assert_eq!(links, [("/".into(), None), ("/alerts".into(), here), ("/tasks".into(), None)]);
}

#[test]
fn signing_out_changes_something_and_so_is_a_form() {
    let html = rendered(Brand::default(), &sample::page(Role::Lead, "/"));
    let form = elements(&html).into_iter().find(|(name, _)| name == "form").unwrap().1;
    assert_eq!((form["action"].as_str(), form["method"].as_str()), ("/sign-out", "post"));
}

#[test]
fn what_is_wrong_is_told_first_and_leads_to_its_field() {
    let page = Page::new("Sign in").faults([Fault::new("code", "Enter the six digits")]);
    let html = rendered(Brand::default(), &page);
    assert_eq!(text_in(&html, |name, _| name == "title"), ["Error: Sign in - Ward"]);
    assert_eq!(
        text_in(&html, |name, attributes| name == "a" && attributes["href"] == "#code"),
        ["Enter the six digits"]
    );
    assert!(!rendered(Brand::default(), &Page::new("Sign in")).contains("error-summary"));
}

#[test]
fn each_notice_has_a_name_of_its_own() {
    let link = Link::new("Look", "/sources");
    let page = Page::new("Now")
        .notice(Notice::new("3 sources are silent.").link(link))
        .notice(Notice::success("Saved."));
    let html = rendered(Brand::default(), &page);
    let banners: Vec<_> = elements(&html)
        .into_iter()
        .filter(|(_, attributes)| has_class(attributes, "nhsuk-notification-banner"))
        .map(|(_, attributes)| attributes["aria-labelledby"].clone())
        .collect();
    assert_eq!(banners, ["notice-1", "notice-2"]);
    assert!(html.contains("nhsuk-notification-banner--success"));
}

#[test]
fn what_does_not_fit_its_template_is_told_with_its_name() {
    let console = Console::new(Brand::default()).unwrap();
    let error = console.render("none.jinja", &Page::new("x"), &()).unwrap_err();
    assert_eq!(error.to_string(), "could not fill the template none.jinja");
}
