//! `POST /alerts/views`: saves what the queue is cut to under a name, or forgets such a view.

use ward_store::{StoreError, views};

use super::queue::{FIELDS, PAGE};
use crate::ask::Answer;
use crate::console::visit::{Visit, sent_on};
use crate::refusal::Refusal;

/// `POST /alerts/views`
pub(crate) async fn post(visit: Visit) -> Answer {
    let (store, now, person) = (visit.ask.store(), visit.ask.now, visit.present()?.person);
    let gone = visit.form.text("remove");
    if !gone.is_empty() {
        let id = gone.parse().map_err(|_: StoreError| Refusal::missing("view"))?;
        views::remove(store, visit.actor()?, now, person, id).await?;
        return Ok(sent_on("/alerts?done=removed"));
    }
    let query = kept(visit.form.text("query"));
    views::save(store, visit.actor()?, now, person, PAGE, visit.form.text("name"), &query).await?;
    let more = if query.is_empty() { String::new() } else { format!("&{query}") };
    Ok(sent_on(&format!("/alerts?done=saved{more}")))
}

/// What of a query string is a part of the filter.
fn kept(query: &str) -> String {
    let mut kept = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if FIELDS.contains(&name.as_ref()) && !value.is_empty() {
            kept.append_pair(&name, &value);
        }
    }
    kept.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_keeps_the_filter_and_nothing_else() {
        assert_eq!(kept("state=open&cursor=abc&done=x&level=&evil=%3Cscript%3E"), "state=open");
    }
}
