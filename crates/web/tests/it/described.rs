//! The description says what really is.

use serde_json::Value;
use ward_store::tokens::Role;
use ward_web::ROUTES;

use crate::kit::{Hub, sample};
use crate::roles::compare;

#[test]
fn the_description_in_the_documents_is_that_of_the_hub() {
    let text = serde_json::to_string_pretty(&ward_web::document()).unwrap();
    compare("../../docs/openapi.json", &format!("{text}\n"));
}

#[tokio::test]
async fn each_answer_has_the_fields_that_the_description_names() {
    let hub = Hub::start().await;
    let person = hub.of_the_sector(Role::Operator).await;
    let document = person.get("/api/v1/openapi.json").await.expect(200).json();
    let mut checked = 0;
    for route in ROUTES.iter().filter(|route| !route.answer.is_empty() && !route.answer.contains('/')) {
        let (mut path, body) = sample(route, &hub.leeds);
        if route.parameters.iter().any(|parameter| parameter.name == "evidence") {
            path.push_str("?evidence=true");
        }
        let told = person.ask(route.method, &path, body).await;
        assert!(told.status.is_success(), "{route:?}: {}", told.text());
        let schema = serde_json::json!({ "$ref": format!("#/components/schemas/{}", route.answer) });
        check(&document, &schema, &told.json(), &format!("{route:?}"));
        checked += 1;
    }
    assert!(checked > 20, "{checked}");
    let refused = person.get("/api/v1/alerts/none").await.expect(404).json();
    check(&document, &serde_json::json!({ "$ref": "#/components/schemas/Error" }), &refused, "error");
}

/// Checks a value against a schema, as far as ours go.
fn check(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return check(document, &document["components"]["schemas"][name], value, place);
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(kinds.contains(&kind), "{place}: {kind} is not {kinds:?}");
    if let Some(items) = value.as_array() {
        items.iter().for_each(|item| check(document, &schema["items"], item, &format!("{place}[]")));
    }
    let (Some(fields), Some(properties)) = (value.as_object(), schema["properties"].as_object()) else {
        return;
    };
    for (name, field) in fields {
        let property = properties.get(name).unwrap_or_else(|| panic!("{place}.{name} is not described"));
        check(document, property, field, &format!("{place}.{name}"));
    }
    for required in schema["required"].as_array().unwrap() {
        assert!(fields.contains_key(required.as_str().unwrap()), "{place} has no {required}");
    }
}
