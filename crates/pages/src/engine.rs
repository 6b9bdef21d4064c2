//! minijinja, set up as the official templates expect Jinja to be.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, context};
use minijinja_contrib::pycompat::unknown_method_callback;
use ward_core::Timestamp;

use crate::embedded::TEMPLATES;
use crate::markup::Markup;
use crate::{shims, words};

/// All templates, official and ours, with our filters beside those of Jinja:
///
/// - `number`: `12345` is `12,345`
/// - `time`: microseconds since 1970 as a `<time>` that people can read
///
/// and `fault(page, field)`: what is wrong with a field, as the `errorMessage` of the official macros.
///
/// # Errors
/// A template cannot be understood.
pub fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_unknown_method_callback(unknown_method_callback);
    environment.add_filter("length", shims::length);
    environment.add_filter("truncate", shims::truncate);
    environment.add_filter("number", words::number);
    environment.add_filter("time", time);
    environment.add_function("fault", fault);
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}

fn fault(page: &Value, field: &str) -> Result<Value, Error> {
    for fault in page.get_attr("faults")?.try_iter()? {
        if fault.get_attr("field")?.as_str() == Some(field) {
            return Ok(context! { text => fault.get_attr("text")? });
        }
    }
    Ok(Value::UNDEFINED)
}

fn time(micros: i64) -> Result<Value, Error> {
    let time = Timestamp::from_micros(micros);
    let written = words::time(time);
    let markup =
        format!("<time datetime=\"{}\">{}</time>", words::machine_time(time), Markup::text(&written));
    Ok(Value::from_safe_string(markup))
}
