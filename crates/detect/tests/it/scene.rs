//! Rules ready to be matched against files, and the corpus.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ward_core::{Event, EventClass, FieldNames};
use ward_detect::compiled::{Matcher, Worker};
use ward_detect::load::{LoadOptions, RuleSet, load};
use ward_telemetry::input::{Decoded, Decoder, Input, Options};
use ward_telemetry::taxonomy::{Resolver, Taxonomy};

/// The folder of the detection corpus, or a word that the test is skipped.
pub fn corpus() -> Option<PathBuf> {
    let given = std::env::var_os("WARD_CORPUS").map(PathBuf::from);
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/corpus/detection");
    let found = given.or(Some(usual)).filter(|folder| folder.join("sigma").is_dir());
    if found.is_none() {
        println!("skipped: no corpus");
    }
    found
}

/// The checked-in conformance data.
pub fn conformance() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance")
}

/// All files below a folder with one of these extensions, sorted.
pub fn files(folder: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| extensions.iter().any(|wanted| e == *wanted)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Takes an event, its class, its record and the numbers of the rules that fire.
type EachEvent<'e> = dyn FnMut(&Event<'_>, &EventClass, u64, &[u32]) + 'e;

/// Rules in force.
pub struct Scene {
    pub rules: RuleSet,
    pub names: Arc<FieldNames>,
    pub matcher: Arc<Matcher>,
    pub resolver: Resolver,
}

impl Scene {
    /// Loads all rules below some folders.
    pub fn of(folders: &[PathBuf]) -> Self {
        Self::piped(folders, &LoadOptions::default())
    }

    /// Loads all rules below some folders, with options.
    pub fn piped(folders: &[PathBuf], options: &LoadOptions) -> Self {
        let texts: Vec<(String, String)> = folders
            .iter()
            .flat_map(|folder| files(folder, &["yml", "yaml"]))
            .map(|path| (path.display().to_string(), std::fs::read_to_string(path).unwrap()))
            .collect();
        Self::with(load(texts.iter().map(|(p, t)| (p.as_str(), t.as_str())), options))
    }

    /// Takes loaded rules.
    pub fn with(rules: RuleSet) -> Self {
        let taxonomy = Taxonomy::builtin().unwrap();
        let mut fields = Vec::new();
        rules.rules.iter().for_each(|rule| rule.condition.each_field(&mut |field| fields.push(field)));
        let names = Arc::new(taxonomy.field_names(fields).unwrap());
        let matcher = Arc::new(Matcher::new(rules.rules.clone().into(), Arc::clone(&names)));
        let resolver = taxonomy.resolver(&names).unwrap();
        Self { rules, names, matcher, resolver }
    }

    /// The three folders of SigmaHQ rules that are in force.
    pub fn of_corpus(corpus: &Path) -> Self {
        let folders = ["rules", "rules-emerging-threats", "rules-threat-hunting"];
        Self::of(&folders.map(|folder| corpus.join("sigma").join(folder)))
    }

    /// Calls `each` with every event of a file, its class and the numbers of the rules that fire; gives the
    /// errors.
    pub fn scan(&self, path: &Path, each: &mut EachEvent<'_>) -> Vec<String> {
        let mut resolver = self.resolver.clone();
        let mut worker = Worker::new(Arc::clone(&self.matcher));
        let options = Options::default();
        let mut errors = Vec::new();
        let file = Box::new(std::fs::File::open(path).unwrap());
        let mut input = match Input::open(file, &options) {
            Ok(input) => input,
            Err(error) => return vec![error.to_string()],
        };
        let mut decoder = Decoder::new(&options);
        let mut memory = Vec::new();
        loop {
            let mut block = match input.next_block(std::mem::take(&mut memory)) {
                Ok(Some(block)) => block,
                Ok(None) => return errors,
                Err(error) => {
                    errors.push(error.to_string());
                    return errors;
                }
            };
            decoder.decode(&mut block, &self.names, &mut |decoded| match decoded {
                Decoded::Event { event, record, .. } => {
                    let class = Arc::clone(resolver.resolve(&event));
                    let mut hits = Vec::new();
                    worker.matches(&class, &event, &mut hits);
                    each(&event, &class, record, &hits);
                }
                Decoded::Bad { record, offset, error, .. } => {
                    errors.push(format!("record {record} at {offset}: {error}"));
                }
            });
            memory = block.into_memory();
        }
    }

    /// How often the rule with this id fires on a file.
    pub fn count(&self, path: &Path, id: &str) -> usize {
        let mut count = 0;
        let errors = self.scan(path, &mut |_, _, _, hits| {
            count += hits.iter().filter(|&&hit| self.rules.rules[hit as usize].id == id).count();
        });
        assert_eq!(errors, [] as [String; 0], "{}", path.display());
        count
    }
}
