//! The rules of the levels, each with the release since which it holds.

use std::collections::BTreeSet;

use lockstep_core::Value;

use super::policy::{Level, Wanted};
use crate::admission::stage::items;
use crate::failure::quoted;

/// A reason and its details.
pub(super) type Violation = Option<(String, String)>;

/// What a pod does that a level forbids: the rules of the lower level first, each by name.
pub(super) fn violations(wanted: &Wanted, pod: &Value) -> Vec<(String, String)> {
    if wanted.level == Level::Privileged {
        return Vec::new();
    }
    let restricted = wanted.level == Level::Restricted;
    let pod = Pod { pod, wanted };
    let baseline = [
        pod.app_armor(),
        if restricted && wanted.since(22) { None } else { pod.capabilities() },
        pod.host_namespaces(),
        if restricted { None } else { pod.host_paths() },
        pod.host_ports(),
        pod.host_probes(),
        pod.privileged(),
        if restricted && wanted.since(35) { None } else { pod.proc_mount(!restricted && wanted.since(35)) },
        pod.selinux(),
        if restricted && wanted.since(19) { None } else { pod.seccomp() },
        pod.sysctls(),
        pod.windows_host_process(),
    ];
    let rest = || {
        [
            pod.privilege_escalation(),
            pod.all_capabilities(),
            if wanted.since(35) { pod.proc_mount(false) } else { None },
            pod.volumes(),
            pod.non_root(),
            pod.root_user(),
            pod.seccomp_set(),
        ]
    };
    let mut found: Vec<_> = baseline.into_iter().flatten().collect();
    if restricted {
        found.extend(rest().into_iter().flatten());
    }
    found
}

/// A pod, and what is wanted of it.
pub(super) struct Pod<'a> {
    pub(super) pod: &'a Value,
    pub(super) wanted: &'a Wanted,
}

pub(super) fn joined<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("\"{}\"", name.as_ref())).collect();
    names.join(", ")
}

pub(super) fn plural(count: usize, one: &'static str, more: &'static str) -> &'static str {
    if count == 1 { one } else { more }
}

pub(super) fn containers_named(names: &[String]) -> String {
    format!("{} {}", plural(names.len(), "container", "containers"), joined(names))
}

pub(super) fn listed(set: &BTreeSet<String>) -> String {
    joined(&set.iter().collect::<Vec<_>>())
}

impl Pod<'_> {
    /// All containers: those that run first, the others, and those that were added.
    fn containers(&self) -> impl Iterator<Item = &Value> {
        let list = |key: &'static str| items(self.pod, &["spec", key]).iter();
        list("initContainers").chain(list("containers")).chain(list("ephemeralContainers"))
    }

    pub(super) fn names(&self, bad: impl Fn(&Value) -> bool) -> Vec<String> {
        let found = self.containers().filter(|container| bad(container));
        found.map(|container| container.str_at(&["name"]).unwrap_or_default().to_owned()).collect()
    }

    pub(super) fn context(&self) -> Option<&Value> {
        self.pod.at(&["spec", "securityContext"])
    }

    pub(super) fn is_windows(&self) -> bool {
        self.pod.str_at(&["spec", "os", "name"]) == Some("windows")
    }

    /// Whether the pod's users are none of the node's.
    pub(super) fn has_own_users(&self) -> bool {
        self.pod.at(&["spec", "hostUsers"]).and_then(Value::as_bool) == Some(false)
    }

    /// Who sets something in its security context that is bad: the pod, and containers.
    pub(super) fn setters(&self, bad: impl Fn(&Value) -> bool) -> Vec<String> {
        let mut setters = Vec::new();
        if self.context().is_some_and(&bad) {
            setters.push("pod".to_owned());
        }
        let names = self.names(|container| container.get("securityContext").is_some_and(&bad));
        if !names.is_empty() {
            setters.push(containers_named(&names));
        }
        setters
    }

    /// The texts at a path of all security contexts that are bad.
    fn values(&self, path: &[&str], bad: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let of_containers = self.containers().filter_map(|container| container.get("securityContext"));
        let all = self.context().into_iter().chain(of_containers);
        all.filter_map(|context| context.str_at(path)).filter(|text| bad(text)).map(str::to_owned).collect()
    }

    fn app_armor(&self) -> Violation {
        const PREFIX: &str = "container.apparmor.security.beta.kubernetes.io/";
        let bad = |kind: &str| !matches!(kind, "RuntimeDefault" | "Localhost");
        let path = &["appArmorProfile", "type"];
        let is_bad = |context: &Value| {
            context
                .at(&["appArmorProfile"])
                .is_some_and(|profile| bad(profile.str_at(&["type"]).unwrap_or_default()))
        };
        let mut setters = self.setters(is_bad);
        let mut values: Vec<String> = self.values(path, bad).into_iter().collect();
        let annotations = self.pod.at(&["metadata", "annotations"]).and_then(Value::as_map);
        let mut forbidden: Vec<String> = Vec::new();
        for (key, value) in annotations.into_iter().flatten() {
            let text = value.as_str().unwrap_or_default();
            let allowed = matches!(text, "" | "runtime/default") || text.starts_with("localhost/");
            if key.starts_with(PREFIX) && !allowed {
                forbidden.push(format!("{key}={}", quoted(text)));
            }
        }
        if !forbidden.is_empty() {
            setters.push(plural(forbidden.len(), "annotation", "annotations").to_owned());
            values.extend(forbidden);
        }
        (!setters.is_empty()).then(|| {
            let reason = plural(values.len(), "forbidden AppArmor profile", "forbidden AppArmor profiles");
            let setters = setters.join(" and ");
            (
                reason.to_owned(),
                format!("{setters} must not set AppArmor profile type to {}", joined(&values)),
            )
        })
    }

    pub(super) fn added(&self, allowed: &[&str]) -> (Vec<String>, BTreeSet<String>) {
        let mut found = BTreeSet::new();
        let mut names = Vec::new();
        for container in self.containers() {
            let added = items(container, &["securityContext", "capabilities", "add"]).iter();
            let bad: Vec<_> =
                added.filter_map(Value::as_str).filter(|name| !allowed.contains(name)).collect();
            if !bad.is_empty() {
                names.push(container.str_at(&["name"]).unwrap_or_default().to_owned());
                found.extend(bad.into_iter().map(str::to_owned));
            }
        }
        (names, found)
    }

    fn capabilities(&self) -> Violation {
        const ALLOWED: [&str; 13] = [
            "AUDIT_WRITE",
            "CHOWN",
            "DAC_OVERRIDE",
            "FOWNER",
            "FSETID",
            "KILL",
            "MKNOD",
            "NET_BIND_SERVICE",
            "SETFCAP",
            "SETGID",
            "SETPCAP",
            "SETUID",
            "SYS_CHROOT",
        ];
        let (names, found) = self.added(&ALLOWED);
        (!names.is_empty()).then(|| {
            let (who, what) = (containers_named(&names), listed(&found));
            let detail = format!("{who} must not include {what} in securityContext.capabilities.add");
            ("non-default capabilities".to_owned(), detail)
        })
    }

    fn host_namespaces(&self) -> Violation {
        let set = |key: &&&str| self.pod.at(&["spec", key]).and_then(Value::as_bool) == Some(true);
        let found: Vec<String> = ["hostNetwork", "hostPID", "hostIPC"]
            .iter()
            .filter(set)
            .map(|key| format!("{key}=true"))
            .collect();
        (!found.is_empty()).then(|| ("host namespaces".to_owned(), found.join(", ")))
    }

    fn host_paths(&self) -> Violation {
        let volumes = items(self.pod, &["spec", "volumes"]).iter();
        let names: Vec<&str> = volumes
            .filter(|volume| volume.get("hostPath").is_some())
            .filter_map(|volume| volume.str_at(&["name"]))
            .collect();
        (!names.is_empty()).then(|| {
            let detail = format!("{} {}", plural(names.len(), "volume", "volumes"), joined(&names));
            ("hostPath volumes".to_owned(), detail)
        })
    }

    fn host_ports(&self) -> Violation {
        let ports = |container: &Value| -> Vec<String> {
            let ports = items(container, &["ports"]).iter();
            let ports = ports.filter_map(|port| port.int_at(&["hostPort"]));
            ports.filter(|port| *port != 0).map(|port| port.to_string()).collect()
        };
        let names = self.names(|container| !ports(container).is_empty());
        let all: BTreeSet<String> = self.containers().flat_map(ports).collect();
        (!names.is_empty()).then(|| {
            let (use_, port) =
                (plural(names.len(), "uses", "use"), plural(all.len(), "hostPort", "hostPorts"));
            let all = all.into_iter().collect::<Vec<_>>().join(", ");
            ("hostPort".to_owned(), format!("{} {use_} {port} {all}", containers_named(&names)))
        })
    }

    fn host_probes(&self) -> Violation {
        if !self.wanted.since(34) {
            return None;
        }
        let hosts = |container: &Value| -> Vec<String> {
            let probes = ["livenessProbe", "readinessProbe", "startupProbe"].map(|key| container.get(key));
            let hooks = ["postStart", "preStop"].map(|key| container.at(&["lifecycle", key]));
            let all = probes.into_iter().chain(hooks).flatten();
            all.flat_map(|handler| ["httpGet", "tcpSocket"].map(|kind| handler.str_at(&[kind, "host"])))
                .flatten()
                .filter(|host| !host.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let mut names = self.names(|container| !hosts(container).is_empty());
        names.sort();
        let all: BTreeSet<String> = self.containers().flat_map(hosts).collect();
        (!names.is_empty()).then(|| {
            let verb = plural(names.len(), "uses", "use");
            let what = plural(all.len(), "probe or lifecycle host", "probe or lifecycle hosts");
            let detail = format!("{} {verb} {what} {}", containers_named(&names), listed(&all));
            ("probe or lifecycle host".to_owned(), detail)
        })
    }

    fn privileged(&self) -> Violation {
        let set = |container: &Value| {
            container.at(&["securityContext", "privileged"]).and_then(Value::as_bool) == Some(true)
        };
        let names = self.names(set);
        (!names.is_empty()).then(|| {
            let detail = format!("{} must not set securityContext.privileged=true", containers_named(&names));
            ("privileged".to_owned(), detail)
        })
    }

    fn proc_mount(&self, own_users_may: bool) -> Violation {
        if own_users_may && self.has_own_users() {
            return None;
        }
        let mount = |container: &Value| {
            let mount = container.str_at(&["securityContext", "procMount"]).map(str::to_owned);
            mount.filter(|mount| mount != "Default")
        };
        let names = self.names(|container| mount(container).is_some());
        let all: BTreeSet<String> = self.containers().filter_map(mount).collect();
        (!names.is_empty()).then(|| {
            let (who, what) = (containers_named(&names), listed(&all));
            ("procMount".to_owned(), format!("{who} must not set securityContext.procMount to {what}"))
        })
    }

    fn selinux(&self) -> Violation {
        let known = |kind: &str| {
            matches!(kind, "" | "container_t" | "container_init_t" | "container_kvm_t")
                || kind == "container_engine_t" && self.wanted.since(31)
        };
        let path = |key| ["seLinuxOptions", key];
        let text = |context: &Value, key| context.str_at(&path(key)).unwrap_or_default().to_owned();
        let bad = |context: &Value| {
            !known(&text(context, "type"))
                || !text(context, "user").is_empty()
                || !text(context, "role").is_empty()
        };
        let setters = self.setters(bad);
        if setters.is_empty() {
            return None;
        }
        let types = self.values(&path("type"), |kind| !known(kind));
        let mut data = Vec::new();
        if !types.is_empty() {
            data.push(format!("{} {}", plural(types.len(), "type", "types"), listed(&types)));
        }
        for key in ["user", "role"] {
            if !self.values(&path(key), |text| !text.is_empty()).is_empty() {
                data.push(format!("{key} may not be set"));
            }
        }
        let (setters, data) = (setters.join(" and "), data.join("; "));
        Some((
            "seLinuxOptions".to_owned(),
            format!("{setters} set forbidden securityContext.seLinuxOptions: {data}"),
        ))
    }

    pub(super) fn bad_seccomp(&self) -> Violation {
        let bad = |kind: &str| !matches!(kind, "RuntimeDefault" | "Localhost");
        let is_bad = |context: &Value| {
            context
                .get("seccompProfile")
                .is_some_and(|profile| bad(profile.str_at(&["type"]).unwrap_or_default()))
        };
        let setters = self.setters(is_bad);
        (!setters.is_empty()).then(|| {
            let values = listed(&self.values(&["seccompProfile", "type"], bad));
            let setters = setters.join(" and ");
            let detail = format!("{setters} must not set securityContext.seccompProfile.type to {values}");
            ("seccompProfile".to_owned(), detail)
        })
    }

    fn seccomp(&self) -> Violation {
        if self.wanted.since(19) {
            return self.bad_seccomp();
        }
        let annotation = |key: String| {
            let text = self.pod.str_at(&["metadata", "annotations", &key])?;
            let allowed =
                matches!(text, "runtime/default" | "docker/default") || text.starts_with("localhost/");
            (!allowed).then(|| format!("{key}={}", quoted(text)))
        };
        let of_containers = self.containers().map(|container| {
            let name = container.str_at(&["name"]).unwrap_or_default();
            format!("container.seccomp.security.alpha.kubernetes.io/{name}")
        });
        let keys =
            std::iter::once("seccomp.security.alpha.kubernetes.io/pod".to_owned()).chain(of_containers);
        let found: BTreeSet<String> = keys.filter_map(annotation).collect();
        (!found.is_empty()).then(|| {
            let word = plural(found.len(), "annotation", "annotations");
            let found = found.into_iter().collect::<Vec<_>>().join(", ");
            ("seccompProfile".to_owned(), format!("forbidden {word} {found}"))
        })
    }

    fn sysctls(&self) -> Violation {
        const KNOWN: [(&str, u32); 14] = [
            ("kernel.shm_rmid_forced", 0),
            ("net.ipv4.ip_local_port_range", 0),
            ("net.ipv4.tcp_syncookies", 0),
            ("net.ipv4.ping_group_range", 0),
            ("net.ipv4.ip_unprivileged_port_start", 0),
            ("net.ipv4.ip_local_reserved_ports", 27),
            ("net.ipv4.tcp_keepalive_time", 29),
            ("net.ipv4.tcp_fin_timeout", 29),
            ("net.ipv4.tcp_keepalive_intvl", 29),
            ("net.ipv4.tcp_keepalive_probes", 29),
            ("net.ipv4.tcp_rmem", 32),
            ("net.ipv4.tcp_wmem", 32),
            ("net.ipv4.tcp_slow_start_after_idle", 37),
            ("net.ipv4.tcp_notsent_lowat", 37),
        ];
        let allowed =
            |name: &str| KNOWN.iter().any(|(known, since)| *known == name && self.wanted.since(*since));
        let names = items(self.pod, &["spec", "securityContext", "sysctls"]).iter();
        let names: Vec<&str> =
            names.filter_map(|sysctl| sysctl.str_at(&["name"])).filter(|name| !allowed(name)).collect();
        (!names.is_empty()).then(|| ("forbidden sysctls".to_owned(), names.join(", ")))
    }

    fn windows_host_process(&self) -> Violation {
        let set = |context: &Value| {
            context.at(&["windowsOptions", "hostProcess"]).and_then(Value::as_bool) == Some(true)
        };
        let setters = self.setters(set);
        (!setters.is_empty()).then(|| {
            let setters = setters.join(" and ");
            let detail = format!("{setters} must not set securityContext.windowsOptions.hostProcess=true");
            ("hostProcess".to_owned(), detail)
        })
    }
}
