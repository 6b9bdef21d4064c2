//! The OCSF class of an event, from the log sources it belongs to.
//!
//! Classes of schema 1.9.0, <https://schema.ocsf.io/1.9.0/classes>.

use ward_core::{EventClass, LogSource};

/// The `class_uid` that fits the event best; 0, the base event, where none is known to fit.
pub fn ocsf_class(class: &EventClass) -> u32 {
    class.log_sources.iter().map(of_source).max_by_key(|(certainty, _)| *certainty).map_or(0, |(_, uid)| uid)
}

/// A class, and how much it says: a category more than a service.
fn of_source(source: &LogSource) -> (u8, u32) {
    let category = source.category.as_deref().and_then(of_category);
    let service = source.service.as_deref().and_then(of_service);
    match (category, service) {
        (Some(uid), _) => (2, uid),
        (None, Some(uid)) => (1, uid),
        (None, None) => (0, 0),
    }
}

fn of_category(category: &str) -> Option<u32> {
    Some(match category {
        "file_access"
        | "file_change"
        | "file_delete"
        | "file_event"
        | "file_rename"
        | "file_block_executable"
        | "file_executable_detected" => FILE_SYSTEM,
        "driver_load" => KERNEL_EXTENSION,
        "image_load" => MODULE,
        "process_creation"
        | "process_termination"
        | "process_access"
        | "process_tampering"
        | "create_remote_thread" => PROCESS,
        "network_connection" | "firewall" => NETWORK,
        "dns" | "dns_query" => DNS,
        "proxy" | "webserver" => HTTP,
        "registry_add" | "registry_delete" | "registry_event" | "registry_rename" | "registry_set" => {
            REGISTRY_KEY
        }
        "antivirus" => DETECTION_FINDING,
        _ => return None,
    })
}

fn of_service(service: &str) -> Option<u32> {
    Some(match service {
        "signinlogs" | "auth" | "sshd" => AUTHENTICATION,
        "auditlogs" => ENTITY_MANAGEMENT,
        "cloudtrail" | "activitylogs" | "gcp.audit" => API,
        "dns" => DNS,
        "http" => HTTP,
        "taskscheduler" | "cron" => SCHEDULED_JOB,
        "windefend" => DETECTION_FINDING,
        _ => return None,
    })
}

const FILE_SYSTEM: u32 = 1001;
const KERNEL_EXTENSION: u32 = 1002;
const MODULE: u32 = 1005;
const SCHEDULED_JOB: u32 = 1006;
const PROCESS: u32 = 1007;
const DETECTION_FINDING: u32 = 2004;
const AUTHENTICATION: u32 = 3002;
const ENTITY_MANAGEMENT: u32 = 3004;
const NETWORK: u32 = 4001;
const HTTP: u32 = 4002;
const DNS: u32 = 4003;
const API: u32 = 6003;
const REGISTRY_KEY: u32 = 201_001;

#[cfg(test)]
mod tests {
    use ward_core::ClassId;

    use super::*;

    fn class(sources: &[(&str, &str)]) -> EventClass {
        let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        let source = |(category, service): &(&str, &str)| LogSource {
            product: None,
            category: named(category),
            service: named(service),
        };
        EventClass {
            id: ClassId(0),
            log_sources: sources.iter().map(source).collect(),
            constants: Vec::new(),
            also_read_from: Vec::new(),
        }
    }

    #[test]
    fn a_category_says_more_than_a_service() {
        assert_eq!(ocsf_class(&class(&[("", "sysmon"), ("process_creation", "")])), PROCESS);
        assert_eq!(ocsf_class(&class(&[("", "signinlogs")])), AUTHENTICATION);
        assert_eq!(ocsf_class(&class(&[("registry_delete", ""), ("registry_event", "")])), REGISTRY_KEY);
        assert_eq!(ocsf_class(&class(&[("", "security")])), 0, "not known is not guessed");
        assert_eq!(ocsf_class(&class(&[])), 0);
    }
}
