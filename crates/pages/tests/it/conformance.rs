//! The official macros render as their authors say: every fixture that comes with the NHS.UK frontend.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use minijinja::value::{Serde, Value};
use serde_json::Value as Json;

use crate::html::parts;

/// How many there are in the pinned version. Fewer would mean that some were not looked at.
const ALL: usize = 983;

#[test]
fn every_official_fixture_renders_as_its_authors_say() {
    let folder = Path::new(env!("WARD_PAGES_FIXTURES"));
    let Ok(files) = fs::read_dir(folder) else {
        println!("skipped: no fixtures");
        return;
    };
    let environment = ward_pages::environment().unwrap();
    let (mut seen, mut wrong) = (0, String::new());
    for file in files {
        let path = file.unwrap().path();
        let document: Json = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let component = document["component"].as_str().unwrap();
        for fixture in document["fixtures"].as_array().unwrap() {
            seen += 1;
            let snippet = snippet(component, fixture);
            let context = Value::from(Serde(serde_json::json!({ "params": fixture["context"] })));
            let expected = fixture["html"].as_str().unwrap();
            let fault = match environment.render_str(&snippet, context) {
                Ok(rendered) if parts(&rendered) == parts(expected) => continue,
                Ok(rendered) => difference(&rendered, expected),
                Err(error) => chain(&error),
            };
            writeln!(wrong, "{component}, {}: {fault}", fixture["name"]).unwrap();
        }
    }
    println!("{seen} fixtures");
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(seen, ALL);
}

/// The template that an author would write for a fixture.
fn snippet(component: &str, fixture: &Json) -> String {
    let name = match component {
        "tables" => "table".to_owned(),
        "images" => "image".to_owned(),
        "do-dont-list" => "list".to_owned(),
        component => camel_case(component),
    };
    let import = format!("{{% from 'nhsuk/components/{component}/macro.jinja' import {name} %}}");
    match fixture["callBlock"].as_str() {
        Some(block) => format!("{import}{{% call {name}(params) %}}{block}{{% endcall %}}"),
        None => format!("{import}{{{{ {name}(params) }}}}"),
    }
}

fn camel_case(name: &str) -> String {
    let mut words = name.split('-');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let (first, rest) = word.split_at(1);
        camel.push_str(&first.to_ascii_uppercase());
        camel.push_str(rest);
    }
    camel
}

fn chain(error: &dyn std::error::Error) -> String {
    let because = error.source().map(|cause| format!(", because {}", chain(cause)));
    format!("{error}{}", because.unwrap_or_default())
}

/// Where two documents part ways.
fn difference(rendered: &str, expected: &str) -> String {
    let (rendered, expected) = (parts(rendered), parts(expected));
    let at = rendered.iter().zip(&expected).take_while(|(a, b)| a == b).count();
    format!("{:?} in place of {:?}", rendered.get(at), expected.get(at))
}
