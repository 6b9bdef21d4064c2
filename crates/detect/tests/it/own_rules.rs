//! Ward's own rules, as `ward detect` uses them: each is in force whole, fires on its samples, is quiet
//! on its near misses, and together they tell the story of the sample incident.
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are no tests to clippy

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ward_core::{Event, EventClass, FieldNames, Timestamp};
use ward_detect::compiled::{Matcher, Worker};
use ward_detect::correlate::{Correlated, Correlator, Fields, Limits, Sighting};
use ward_detect::load::{self, LoadOptions, RuleSet};
use ward_detect::{PlainEvent, Rule, plain};
use ward_telemetry::input::{Decoded, Decoder, Input, Options};
use ward_telemetry::taxonomy::{Resolver, Taxonomy};

#[test]
fn each_rule_is_in_force_whole() {
    let set = rules();
    let report = &set.report;
    let said: Vec<_> = [&report.refused, &report.partial, &report.notes].into_iter().flatten().collect();
    assert!(said.is_empty(), "{}", said.iter().map(|p| format!("{p}\n")).collect::<String>());
    assert!(files(".yml").len() >= 66);
    assert!(set.correlations.iter().filter(|c| c.reports).count() >= 8);
    let taxonomy = taxonomy();
    for rule in &set.rules {
        assert!(taxonomy.can_reach(&rule.log_source), "{}: nothing is {}", rule.origin, rule.log_source);
    }
}

#[test]
fn each_rule_says_who_wrote_it_when_and_what_it_is_about() {
    let mut seen = BTreeSet::new();
    for file in files(".yml") {
        let text = fs::read_to_string(&file).unwrap();
        for line in
            ["status: ", "license: Apache-2.0", "author: Ward", "date: ", "falsepositives:", "    - attack."]
        {
            assert!(text.lines().any(|l| l.starts_with(line)), "{}: no line '{line}'", file.display());
        }
        for id in text.lines().filter(|line| line.starts_with("id: ")) {
            assert!(seen.insert(id.to_owned()), "{}: {id} is taken", file.display());
        }
        let name = file.file_stem().unwrap().to_str().unwrap();
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{name}");
    }
}

#[test]
fn each_rule_fires_on_its_samples() {
    let watch = Watch::new();
    let mut wrong = Vec::new();
    for rule in files(".yml") {
        let samples = rule.with_extension("fires.ndjson");
        let whole = watch.scan(&samples).unwrap_or_else(|e| panic!("{}: {e}", samples.display()));
        if watch.is_correlation(&rule) {
            if !whole.fired_by(&rule) {
                wrong.push(format!("{}: does not fire", samples.display()));
            }
        } else {
            let quiet = (1..=whole.records).filter(|record| !whole.fired_at(&rule, *record));
            wrong.extend(quiet.map(|record| format!("{}:{record}: does not fire", samples.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_rule_fires_on_its_near_misses() {
    let watch = Watch::new();
    let mut wrong = Vec::new();
    for rule in files(".yml") {
        let samples = rule.with_extension("misses.ndjson");
        let scan = watch.scan(&samples).unwrap_or_else(|e| panic!("{}: {e}", samples.display()));
        assert!(scan.records > 0, "{} is empty", samples.display());
        let fired = scan.findings.iter().filter(|finding| finding.rule == rule);
        wrong.extend(fired.map(|f| format!("{}:{}: fires", samples.display(), f.record)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_sample_incident_is_told_from_first_mail_to_encryption() {
    let watch = Watch::new();
    let mut fired = BTreeSet::new();
    for file in files_in(&folder().join("samples")) {
        if !file.file_name().is_some_and(|name| name.to_str().unwrap().starts_with("riverside-")) {
            continue;
        }
        let scan = watch.scan(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        assert!(scan.records >= 50, "{}: {} records", file.display(), scan.records);
        assert_eq!(scan.unplaced, 0, "{}: records without a log source", file.display());
        fired.extend(scan.findings.into_iter().map(|finding| short(&finding.rule)));
    }
    for chapter in [
        "cloud/entra_password_spray",
        "cloud/entra_mfa_fatigue",
        "cloud/m365_mass_send",
        "mail_to_endpoint/file_built_in_browser_then_script",
        "credentials/lsass_dumped_by_comsvcs",
        "credentials/service_tickets_collected",
        "lateral_movement/account_on_many_hosts",
        "imaging/dicom_names_guessed",
        "imaging/dicom_bulk_retrieve",
        "imaging/orthanc_archive_download",
        "ransomware/data_sent_to_one_outside_address",
        "interfaces/mirth_channels_stopped_in_burst",
        "ransomware/recovery_destroyed_by_several_means",
        "lateral_movement/service_spread_to_many_hosts",
        "ransomware/files_renamed_over_smb_in_burst",
        "ransomware/ransom_notes_written",
    ] {
        assert!(fired.contains(chapter), "{chapter} is missing from {fired:#?}");
    }
}

/// All rules, ready.
struct Watch {
    set: RuleSet,
    names: Arc<FieldNames>,
    resolver: Resolver,
    matcher: Arc<Matcher>,
}

/// What was found in one file.
#[derive(Default)]
struct Scan {
    records: u64,
    unplaced: u64,
    findings: Vec<Finding>,
}

struct Finding {
    rule: PathBuf,
    /// 0 for a correlation.
    record: u64,
}

/// A match, with the fields that correlations read.
struct Match {
    rule: usize,
    record: u64,
    time: Timestamp,
    values: Values,
}

struct Values(Vec<Option<String>>);

impl Fields for Values {
    fn read(&self, field: usize, text: &mut Vec<u8>) -> bool {
        let value = self.0.get(field).and_then(Option::as_deref);
        text.extend_from_slice(value.unwrap_or_default().as_bytes());
        value.is_some()
    }
}

impl Watch {
    fn new() -> Self {
        let set = rules();
        let taxonomy = taxonomy();
        let mut fields = BTreeSet::new();
        for rule in &set.rules {
            rule.condition.each_field(&mut |field| {
                fields.insert(field.to_owned());
            });
        }
        for correlation in &set.correlations {
            fields.extend(correlation.group_by.iter().chain(&correlation.fields).cloned());
        }
        let names = Arc::new(taxonomy.field_names(fields.iter().map(String::as_str)).unwrap());
        let matcher = Arc::new(Matcher::new(set.rules.clone().into(), names.clone()));
        let resolver = taxonomy.resolver(&names).unwrap();
        Self { set, names, resolver, matcher }
    }

    fn is_correlation(&self, rule: &Path) -> bool {
        self.set.correlations.iter().any(|c| Path::new(&*c.origin.path) == rule)
    }

    fn scan(&self, file: &Path) -> Result<Scan, String> {
        let mut scan = Scan::default();
        let mut correlator = Correlator::new(&self.set.correlations, &self.set.rules, Limits::default())
            .map_err(|e| e.to_string())?;
        let wanted = correlator.reducer().fields().to_vec();
        let mut matches = self.matches(file, &wanted, &mut scan)?;
        matches.sort_by_key(|m| m.time);
        let mut fired: Vec<Correlated> = Vec::new();
        for (number, found) in matches.iter().enumerate() {
            let rule = &self.set.rules[found.rule];
            if rule.reports {
                scan.findings.push(Finding { rule: PathBuf::from(&*rule.origin.path), record: found.record });
            }
            let sighting = Sighting {
                rule: found.rule,
                time: found.time,
                fields: &found.values,
                evidence: number as u64,
            };
            correlator.observe(&sighting, &mut fired);
        }
        correlator.finish(&mut fired);
        let reporting = fired.iter().map(|f| &self.set.correlations[f.correlation]).filter(|c| c.reports);
        scan.findings.extend(reporting.map(|c| Finding { rule: PathBuf::from(&*c.origin.path), record: 0 }));
        Ok(scan)
    }

    fn matches(&self, file: &Path, wanted: &[String], scan: &mut Scan) -> Result<Vec<Match>, String> {
        let options = Options::default();
        let source = Box::new(File::open(file).map_err(|e| e.to_string())?);
        let mut input = Input::open(source, &options).map_err(|e| e.to_string())?;
        let mut decoder = Decoder::new(&options);
        let mut resolver = self.resolver.clone();
        let mut worker = Worker::new(self.matcher.clone());
        let (mut matches, mut bad) = (Vec::new(), None);
        while let Some(mut block) = input.next_block(Vec::new()).map_err(|e| e.to_string())? {
            decoder.decode(&mut block, &self.names, &mut |decoded| match decoded {
                Decoded::Bad { record, error, .. } => bad = Some(format!("record {record}: {error}")),
                Decoded::Event { event, record, .. } => {
                    scan.records += 1;
                    let class = resolver.resolve(&event).clone();
                    scan.unplaced += u64::from(class.log_sources.is_empty());
                    let mut hits = Vec::new();
                    worker.matches(&class, &event, &mut hits);
                    assert_eq!(hits, self.plainly(&class, &event), "{}, record {record}", file.display());
                    if !hits.is_empty() {
                        let time = time_of(&resolver, &event, record);
                        matches.extend(hits.into_iter().map(|rule| Match {
                            rule: rule as usize,
                            record,
                            time,
                            values: self.values(&class, &event, wanted),
                        }));
                    }
                }
            });
        }
        bad.map_or(Ok(matches), Err)
    }

    /// What fires, as the tree walk says.
    fn plainly(&self, class: &EventClass, event: &Event<'_>) -> Vec<u32> {
        let plain = PlainEvent::new(event, &self.names, Some(class));
        let applies = |rule: &Rule| class.log_sources.iter().any(|source| rule.log_source.covers(source));
        let rules = self.set.rules.iter().zip(0..);
        rules
            .filter(|(rule, _)| applies(rule) && plain::matches(rule, &plain))
            .map(|(_, number)| number)
            .collect()
    }

    /// The values of fields, each from its own name or from where its class also has it.
    fn values(&self, class: &EventClass, event: &Event<'_>, wanted: &[String]) -> Values {
        let value = |name: &String| {
            let field = self.names.get(name)?;
            let others =
                class.also_read_from.iter().find(|(f, _)| *f == field).map(|(_, others)| others.as_slice());
            let constant = class.constants.iter().find(|(f, _)| *f == field).map(|(_, value)| value.clone());
            let mut places = std::iter::once(&field).chain(others.unwrap_or_default());
            places.find_map(|field| event.first(*field)).or(constant)
        };
        Values(wanted.iter().map(value).collect())
    }
}

impl Scan {
    fn fired_by(&self, rule: &Path) -> bool {
        self.findings.iter().any(|finding| finding.rule == rule)
    }

    fn fired_at(&self, rule: &Path, record: u64) -> bool {
        self.findings.iter().any(|finding| finding.rule == rule && finding.record == record)
    }
}

fn time_of(resolver: &Resolver, event: &Event<'_>, record: u64) -> Timestamp {
    resolver.time(event).unwrap_or_else(|| panic!("record {record} has no time"))
}

fn rules() -> RuleSet {
    let texts: Vec<_> =
        files(".yml").iter().map(|f| (f.display().to_string(), fs::read_to_string(f).unwrap())).collect();
    load::load(texts.iter().map(|(path, text)| (path.as_str(), text.as_str())), &LoadOptions::default())
}

fn taxonomy() -> Taxonomy {
    Taxonomy::builtin().unwrap()
}

fn short(rule: &Path) -> String {
    rule.strip_prefix(folder()).unwrap().with_extension("").to_str().unwrap().to_owned()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules")
}

/// The files of all topics that end so.
fn files(ending: &str) -> Vec<PathBuf> {
    let topics = files_in(&folder()).into_iter().filter(|path| path.is_dir());
    let inside = topics.flat_map(|topic| files_in(&topic));
    inside.filter(|file| file.to_str().is_some_and(|name| name.ends_with(ending))).collect()
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}
