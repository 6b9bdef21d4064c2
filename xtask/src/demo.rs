//! `cargo xtask demo`: what a newcomer runs first. A hub, an invented day at an invented hospital, its alerts.

use std::fs::{self, File};
use std::io::IsTerminal;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Program};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::cargo::{build_ward, line, output, program, shown, unstarted};
use crate::workspace::target_directory;
use crate::{Command, TaskError};

/// The subcommand.
pub const COMMAND: Command = Command {
    name: "demo",
    summary: "build ward, start a hub, send it an invented hospital's day, show its alerts",
    help: HELP,
    run,
};

const HELP: &str = "\
Builds `ward`, starts the hub in target/demo (anew each time, on loopback), enters a hospital with a source,
sends the sample telemetry of rules/samples and shows the alerts and a search. Then the hub goes on until
Ctrl-C; without a terminal, or with --stop, it is stopped.
Usage: cargo xtask demo [--stop]

  cargo xtask demo                                             look around while it runs
  ward alerts --config target/demo/ward.toml                   its alerts, also after it has stopped
  ward hunt --config target/demo/ward.toml 'user:svc_backup'   its events

The build is the quick one that the tests use. For real use: cargo build --release.
The exit code is 0 when there were alerts, 1 when there were none, 2 on an error.";

fn run(arguments: &[String]) -> Result<bool, TaskError> {
    let stop = match arguments {
        [] => !std::io::stdin().is_terminal(),
        [argument] if argument == "--stop" => true,
        [argument, ..] => {
            return Err(TaskError::argument(argument, "unknown; see cargo xtask demo --help"));
        }
    };
    let mut demo = Demo::begin(&PEOPLE)?;
    let found = demo.alerts;
    for words in
        [&["alerts", "--min-level", "critical"][..], &["hunt", "device:rgh-fs01* rvx.exe", "--limit", "5"]]
    {
        println!();
        shown(&mut demo.ward(words))?;
    }
    let config = demo.config.display();
    println!(
        "\nNext:\n  ward alerts --config {config} --min-level high\n  \
         ward alerts --config {config} show ID          an alert's findings and events\n  \
         ward hunt --config {config} 'user:svc_backup'\n\
         `ward` is {}. For real use: cargo build --release.",
        demo.program.display()
    );
    if stop {
        demo.stop()?;
        println!("The hub is stopped; its data stays.");
    } else {
        println!(
            "\nThe console is at {}. Each link lets one person in, once, who chooses a password and sets up a phone:",
            demo.site()
        );
        for ((name, role, _), link) in PEOPLE.iter().zip(&demo.links) {
            println!("  {:<34} {link}", format!("{name}, {role}"));
        }
        println!("The hub goes on until you press Ctrl-C.");
        demo.wait()?;
    }
    Ok(found > 0)
}

/// Who looks around.
const PEOPLE: [Visitor; 4] = [
    ("Noor Analyst", "national-analyst", &["--whole-sector"]),
    ("Lena Lead", "organisation-lead", &["--at", "RGH"]),
    ("Bea Board", "board-member", &["--at", "RGH"]),
    ("Ada Admin", "administrator", &["--whole-sector"]),
];

/// The sample telemetry.
const SAMPLES: &str = "rules/samples";

fn say(start: Instant, what: &str) {
    println!("[{:6.1} s] {what}", start.elapsed().as_secs_f64());
}

/// A hub of its own.
pub struct Demo {
    program: PathBuf,
    config: PathBuf,
    address: String,
    log: PathBuf,
    hub: Option<Child>,
    /// How many alerts there are.
    alerts: usize,
    /// The links by which its visitors come in, in their order.
    pub links: Vec<String>,
}

/// Somebody who looks around: name, role, and where.
pub type Visitor = (&'static str, &'static str, &'static [&'static str]);

impl Demo {
    /// Builds, starts a hub that these people may visit, and sends it the hospital's day.
    ///
    /// # Errors
    /// Something of it failed.
    pub fn begin(people: &[Visitor]) -> Result<Self, TaskError> {
        let start = Instant::now();
        let mut demo = Self::new(build_ward()?)?;
        say(start, "built");
        let token = demo.enter()?;
        for (name, role, place) in people {
            let link = demo.person(name, role, place)?;
            demo.links.push(link);
        }
        demo.start()?;
        say(start, &format!("the hub is ready at {}", demo.site()));
        let mut ingest = demo.ward(&["ingest", "--no-progress", "--hub", &demo.site()]);
        if !shown(ingest.arg(SAMPLES).env("WARD_TOKEN", &token))? {
            return Err(TaskError::Failed(line(&ingest)));
        }
        demo.alerts = demo.settle()?;
        say(start, &format!("{} alerts", demo.alerts));
        Ok(demo)
    }

    /// Where its console is.
    pub fn site(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Enters somebody with a role; gives the link to come in by.
    fn person(&self, name: &str, role: &str, place: &[&str]) -> Result<String, TaskError> {
        let email = format!("{}@riverside.example", name.to_lowercase().replace(' ', "."));
        let mut add = self.ward(&["person", "add", "--name", name, "--email", &email, "--role", role]);
        let written = output(add.args(place))?;
        // It stands alone in its line.
        let link = written.lines().find(|line| line.contains("/link/"));
        Ok(link.unwrap_or_default().trim().to_owned())
    }

    fn new(program: PathBuf) -> Result<Self, TaskError> {
        let folder = target_directory()?.join("demo");
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(TaskError::file(&folder))?;
        }
        fs::create_dir_all(&folder).map_err(TaskError::file(&folder))?;
        let address = free_address().map_err(TaskError::file(Path::new("a port of 127.0.0.1")))?;
        let config = folder.join("ward.toml");
        let text = format!(
            "# Made by `cargo xtask demo`; every setting is in docs/ward.toml.\n\
             [data]\nfolder = \"{}/data\"\n[journal]\nseal_seconds = 1\n\
             [[intake.http]]\nname = \"http\"\nlisten = \"{address}\"\napi = true\n",
            folder.display()
        );
        fs::write(&config, text).map_err(TaskError::file(&config))?;
        Ok(Self {
            program,
            config,
            address,
            log: folder.join("ward.log"),
            hub: None,
            alerts: 0,
            links: Vec::new(),
        })
    }

    fn ward(&self, words: &[&str]) -> Program {
        let mut ward = program(&self.program);
        ward.args(words).env("WARD_CONFIG", &self.config);
        ward
    }

    /// Enters the hospital; gives the token of its source.
    fn enter(&self) -> Result<String, TaskError> {
        let name = ["--name", "Riverside General Hospital", "--kind", "organisation"];
        output(self.ward(&["organisation", "add", "RGH"]).args(name))?;
        output(&mut self.ward(&["source", "add", "rgh", "--organisation", "RGH"]))?;
        let mut issue = self.ward(&["token", "issue", "--label", "demo", "--source", "rgh"]);
        Ok(output(&mut issue)?.trim().to_owned())
    }

    fn start(&mut self) -> Result<(), TaskError> {
        let log = File::create(&self.log).map_err(TaskError::file(&self.log))?;
        let mut serve = self.ward(&["serve"]);
        let hub = serve.stderr(log).spawn().map_err(|source| unstarted(&serve, source))?;
        let hub = self.hub.insert(hub);
        let start = Instant::now();
        while TcpStream::connect(&self.address).is_err() {
            let ended = hub.try_wait().ok().flatten().is_some();
            if ended || start.elapsed() > Duration::from_secs(60) {
                return Err(TaskError::Failed(format!("ward serve (see {})", self.log.display())));
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Waits until no more alerts come; says how many there are.
    fn settle(&self) -> Result<usize, TaskError> {
        let (start, mut known, mut same) = (Instant::now(), 0, 0);
        while same < 4 && start.elapsed() < Duration::from_secs(60) {
            sleep(Duration::from_millis(500));
            let mut alerts = self.ward(&["alerts", "--format", "json", "--limit", "1000"]);
            // it ends with 1 when there are some
            let listed = alerts.output().map_err(|source| unstarted(&alerts, source))?;
            let now = listed.stdout.iter().filter(|byte| **byte == b'\n').count();
            same = if now == known && now > 0 { same + 1 } else { 0 };
            known = now;
        }
        Ok(known)
    }

    /// Stops the hub.
    ///
    /// # Errors
    /// It failed.
    pub fn stop(&mut self) -> Result<(), TaskError> {
        if let Some(hub) = &self.hub {
            shown(program("kill").arg(hub.id().to_string()))?;
        }
        self.wait()
    }

    fn wait(&mut self) -> Result<(), TaskError> {
        if let Some(mut hub) = self.hub.take() {
            hub.wait().map_err(TaskError::file(Path::new("ward serve")))?;
        }
        Ok(())
    }
}

impl Drop for Demo {
    /// After an error, nothing is left running.
    fn drop(&mut self) {
        if let Some(mut hub) = self.hub.take() {
            let _ = hub.kill();
            let _ = hub.wait();
        }
    }
}

fn free_address() -> std::io::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
