//! Threads that share what they learn find what one that knows nothing finds.

use std::sync::{Arc, Mutex};

use ward_core::{ClassId, EventBuf, EventClass, FieldNames, LogSource};
use ward_detect::compiled::{Matcher, Worker};
use ward_detect::load::{LoadOptions, load};
use ward_detect::plain::PlainEvent;
use ward_telemetry::json::Scanner;

use crate::equality::plain_hits;
use crate::scene::{Scene, corpus, files};

const THREADS: usize = 4;

#[test]
fn on_the_corpus_threads_that_share_find_what_one_alone_finds() {
    let Some(corpus) = corpus() else { return };
    let inputs = files(&corpus.join("json"), &["jsonl"]);
    let scan = |scene: &Scene, input: usize| {
        let mut found = Vec::new();
        scene.scan(&inputs[input], &mut |_, _, record, hits| found.push((record, hits.to_vec())));
        found
    };
    let rules = [corpus.join("sigma/rules/windows")];
    let alone = Scene::of(&rules);
    let expected: Vec<_> = (0..inputs.len()).map(|input| scan(&alone, input)).collect();
    let hits: usize = expected.iter().flatten().map(|(_, hits)| hits.len()).sum();
    assert!(hits > 50, "{hits} hits");

    // each input comes to several threads at about the same time: they meet in each class
    let shared = Scene::of(&rules);
    let waiting = Mutex::new((0..inputs.len() * THREADS).map(|turn| turn / THREADS));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let Some(input) = waiting.lock().unwrap().next() else { return };
                    assert!(scan(&shared, input) == expected[input], "{}", inputs[input].display());
                }
            });
        }
    });
}

#[test]
fn threads_that_enter_a_class_together_answer_as_the_plain_matcher() {
    let rules: Vec<(String, String)> = (0..60)
        .map(|n| {
            let text = format!(
                "title: t\nlogsource: {{product: p}}\ndetection:\n  some: {{alpha|contains: ['word{n}x', 'other {n} ']}}\n  \
                 spared: {{beta|endswith: '{}'}}\n  condition: some and not spared\n",
                n % 7
            );
            (format!("{n}.yml"), text)
        })
        .collect();
    let set = load(rules.iter().map(|(path, text)| (path.as_str(), text.as_str())), &LoadOptions::default());
    assert_eq!(set.rules.len(), 60);
    let mut names = FieldNames::default();
    for name in ["alpha", "beta"] {
        names.intern(name).unwrap();
    }
    let names = Arc::new(names);
    let class = EventClass {
        id: ClassId(0),
        log_sources: vec![LogSource { product: Some("p".to_owned()), ..LogSource::default() }],
        constants: Vec::new(),
        also_read_from: Vec::new(),
    };
    // one in nine has a literal, the others are long and have none: the hints come to pass over most
    let records: Vec<String> = (0..1_500)
        .map(|n| {
            let held = if n % 9 == 0 { format!("word{}x", n % 61) } else { "wordx".to_owned() };
            format!(r#"{{"alpha":"{} {held} {}","beta":"{n}"}}"#, "filling ".repeat(n % 12), n % 400)
        })
        .collect();
    let matcher = Arc::new(Matcher::new(set.rules.clone().into(), Arc::clone(&names)));
    let fired = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut worker = Worker::new(Arc::clone(&matcher));
                let (mut scanner, mut buf) = (Scanner::default(), EventBuf::default());
                for record in &records {
                    scanner.scan(record.as_bytes(), &names, &mut buf).unwrap();
                    let event = buf.json_event(record.as_bytes());
                    let mut hits = Vec::new();
                    worker.matches(&class, &event, &mut hits);
                    let plain = PlainEvent::new(&event, &names, Some(&class));
                    assert_eq!(hits, plain_hits(&set.rules, &class, &plain), "{record}");
                    *fired.lock().unwrap() += hits.len();
                }
            });
        }
    });
    assert!(*fired.lock().unwrap() > 100);
}
