//! `cargo xtask deb`: the package of Debian and its kin.

use crate::cargo::{answers, cargo, program, shown};
use crate::workspace::target_directory;
use crate::{Command, TaskError, assets};

/// The subcommand.
pub const COMMAND: Command =
    Command { name: "deb", summary: "build a package of Debian, with the systemd unit", help: HELP, run };

const HELP: &str = "\
Builds `ward` (release) and a package of it: the program, /etc/ward/ward.toml, the systemd unit, the documents.
What it holds is in crates/ward/Cargo.toml and packaging/. cargo-deb is installed to target/tools if it is missing.
Usage: cargo xtask deb [ARGUMENTS FOR cargo deb]

  cargo xtask deb                        target/debian/ward_*.deb
  cargo xtask deb --no-build             of the release that is built already
  dpkg -i target/debian/ward_*.deb && systemctl enable --now ward";

fn run(arguments: &[String]) -> Result<bool, TaskError> {
    let tools = target_directory()?.join("tools");
    let tool = tools.join("bin/cargo-deb");
    if !answers(&tool.display().to_string(), &["--version"]) {
        let mut install = cargo(&["install", "--locked", "cargo-deb@^3", "--root"]);
        if !shown(install.arg(&tools))? {
            return Ok(false);
        }
    }
    assets::lay_out()?;
    let mut deb = program(&tool);
    deb.args(["deb", "--package", "ward", "--strip"]).args(arguments);
    shown(&mut deb)
}
