//! The description of the interface, in OpenAPI 3.1, made from the table of routes.
//!
//! `docs/openapi.json` is the same text, kept equal by a test.

mod schemas;

use serde_json::{Map, Value, json};

use crate::ask::{Answer, Ask, shown};
use crate::route::{Kind, Least, Parameter, Route};
use crate::table::ROUTES;

/// `GET /api/v1/openapi.json`
pub(crate) async fn get(_ask: Ask) -> Answer {
    shown(&document())
}

/// The description of all routes.
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.to_ascii_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ward",
            "version": "1",
            "description": "The interface of a Ward hub. What is outside the reach of a token answers as what \
                            does not exist. Times are RFC 3339 in UTC.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn operation(route: &Route) -> Value {
    let places = route
        .places()
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let parameters: Vec<Value> = places.chain(route.parameters.iter().map(parameter)).collect();
    let mut operation = json!({
        "operationId": operation_id(route),
        "summary": route.summary,
        "parameters": parameters,
        "responses": responses(route),
        "x-least-role": route.least.name(),
    });
    if let Least::May(permission) = route.least {
        operation["x-permission"] = permission.name().into();
    }
    if route.least != Least::Open {
        operation["security"] = json!([{ "token": [] }]);
    }
    if let Some(body) = route.body {
        let schema = json!({ "$ref": format!("#/components/schemas/{body}") });
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    operation
}

/// `get_alerts_id`.
fn operation_id(route: &Route) -> String {
    let path = route.path.trim_start_matches("/api/v1").replace(['{', '}', '.'], "").replace('/', "_");
    format!("{}{path}", route.method.to_ascii_lowercase())
}

fn parameter(parameter: &Parameter) -> Value {
    let schema = match parameter.kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Number(most) => json!({ "type": "integer", "minimum": 1, "maximum": most }),
        Kind::Time => json!({ "type": "string", "examples": ["2026-11-26T10:00:00Z"] }),
        Kind::Span => json!({ "type": "string", "pattern": "^[0-9]{1,9}[smhdw]$" }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Code => json!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" }),
        Kind::OneOf(words) => json!({ "type": "string", "enum": words }),
    };
    let schema = if parameter.repeated { json!({ "type": "array", "items": schema }) } else { schema };
    json!({ "name": parameter.name, "in": "query", "description": parameter.about, "schema": schema })
}

fn responses(route: &Route) -> Value {
    let error = json!({ "description": "Why not", "content": { "application/json": {
        "schema": { "$ref": "#/components/schemas/Error" } } } });
    let mut content = Map::new();
    if route.answer.contains('/') {
        content.insert(route.answer.to_owned(), json!({}));
    } else {
        let schema = json!({ "$ref": format!("#/components/schemas/{}", route.answer) });
        content.insert("application/json".to_owned(), json!({ "schema": schema }));
    }
    let formats = route.parameters.iter().find(|parameter| parameter.name == "format");
    if let Some(Parameter { kind: Kind::OneOf(formats), .. }) = formats {
        for format in *formats {
            content.entry(media_type(format)).or_insert_with(|| json!({}));
        }
    }
    let (status, answer) = match (route.answer, route.method) {
        ("", _) => ("204", json!({ "description": "It is done" })),
        ("Made", _) => ("201", json!({ "description": "It is made", "content": content })),
        _ => ("200", json!({ "description": "The answer", "content": content })),
    };
    json!({ status: answer, "default": error })
}

fn media_type(format: &str) -> &'static str {
    match format {
        "ndjson" => "application/x-ndjson",
        "csv" => "text/csv",
        "parquet" => "application/vnd.apache.parquet",
        _ => "application/json",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// All `$ref`s below a value.
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(to)) = fields.get("$ref") {
                    found.insert(to.rsplit('/').next().unwrap().to_owned());
                }
                fields.values().for_each(|field| references(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn each_schema_that_is_named_is_there_and_each_that_is_there_is_named() {
        let document = document();
        let mut named = BTreeSet::new();
        references(&document, &mut named);
        let there: BTreeSet<String> =
            document["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(named, there);
    }

    #[test]
    fn each_operation_has_a_name_of_its_own() {
        let names: BTreeSet<String> = ROUTES.iter().map(operation_id).collect();
        assert_eq!(names.len(), ROUTES.len());
        assert!(names.contains("get_alerts_id") && names.contains("get_openapijson"), "{names:?}");
    }
}
