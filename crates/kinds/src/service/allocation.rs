//! Which addresses and node ports a Service is to be given, keeps or gives back. Who has them is the store's to know.

use lockstep_core::Value;
use schema::FieldError;

use super::families::{Family, fill_families, named_families, prefers_dual_as_before};
use super::{needs_address, needs_health_check};
use crate::address::texts;
use crate::meta::{Edit, View};

/// What the store is to give to a Service, and what it gets back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Addresses, by their place in `clusterIPs`.
    pub addresses: Vec<WantedAddress>,
    /// Node ports.
    pub node_ports: Vec<WantedPorts>,
    /// The port of the health check: `Some(None)` for any that is free, `Some(Some(port))` for this one.
    pub health_check: Option<Option<i64>>,
    /// Addresses that are no longer used.
    pub released_addresses: Vec<String>,
    /// Node ports that are no longer used.
    pub released_ports: Vec<i64>,
}

/// An address that a Service is to be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedAddress {
    /// Its place in `clusterIPs`.
    pub index: usize,
    /// Its family.
    pub family: Family,
    /// Which one; `None` for any that is free.
    pub ip: Option<String>,
}

/// A node port that a Service is to be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedPorts {
    /// The places in `ports` that share it: the same port by several protocols. The first is the one to name in an error.
    pub ports: Vec<usize>,
    /// Which one; `None` for any that is free.
    pub number: Option<i64>,
}

/// What the store has given, in the order of [`Wanted`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// One for each wanted address.
    pub addresses: Vec<String>,
    /// One for each wanted node port.
    pub node_ports: Vec<i64>,
    /// The one for the health check, if it was wanted.
    pub health_check: Option<i64>,
}

/// What a Service is to be given. Fills in what can be told without the store: what an update leaves out is kept, families
/// and their policy follow from the addresses and from those that the cluster has (`families`, the first one first).
///
/// The server does this before everything else that it does with a write; an error here is the only one that it tells.
pub fn wanted(
    service: &mut Value,
    old: Option<&Value>,
    families: &[Family],
) -> Result<Wanted, Vec<FieldError>> {
    if let Some(old) = old {
        keep_allocated(service, old);
    }
    normalize(service, old);
    fill_families(service, old, families)?;
    let mut wanted = Wanted::default();
    want_addresses(&mut wanted, service, old);
    want_node_ports(&mut wanted, service, old);
    let spec = service.child("spec");
    let (needs, needed) =
        (needs_health_check(spec), old.is_some_and(|old| needs_health_check(old.child("spec"))));
    if needs && !needed {
        wanted.health_check = Some(Some(spec.number("healthCheckNodePort")).filter(|port| *port != 0));
    }
    if let Some(old) = old.filter(|_| needed && !needs) {
        wanted.released_ports.push(old.child("spec").number("healthCheckNodePort"));
    }
    Ok(wanted)
}

/// What a deleted Service gives back.
pub fn release_all(service: &Value) -> Wanted {
    let spec = service.child("spec");
    let mut wanted = Wanted { released_ports: node_ports(spec), ..Wanted::default() };
    if needs_address(spec) {
        let ips = texts(spec.items("clusterIPs")).into_iter().filter(|ip| *ip != "None");
        wanted.released_addresses = ips.map(str::to_owned).collect();
    }
    if needs_health_check(spec) && spec.number("healthCheckNodePort") > 0 {
        wanted.released_ports.push(spec.number("healthCheckNodePort"));
    }
    wanted
}

impl Wanted {
    /// Puts what was given into the Service.
    pub fn put(&self, service: &mut Value, given: &Given) {
        let Some(spec) = service.child_mut("spec") else { return };
        let mut ips: Vec<Value> = spec.items("clusterIPs").to_vec();
        for (wanted, ip) in self.addresses.iter().zip(&given.addresses) {
            if ips.len() <= wanted.index {
                ips.resize(wanted.index + 1, "".into());
            }
            ips[wanted.index] = (&**ip).into();
            if wanted.index == 0 {
                spec.set(&["clusterIP"], (&**ip).into());
            }
        }
        if !self.addresses.is_empty() {
            spec.set(&["clusterIPs"], ips.into());
        }
        for (wanted, number) in self.node_ports.iter().zip(&given.node_ports) {
            for index in &wanted.ports {
                if let Some(port) = spec.items_mut("ports").get_mut(*index) {
                    port.set(&["nodePort"], (*number).into());
                }
            }
        }
        if let Some(port) = given.health_check.filter(|_| self.health_check.is_some()) {
            spec.set(&["healthCheckNodePort"], port.into());
        }
    }
}

fn has_own_node_ports(spec: &Value) -> bool {
    match spec.text("type") {
        "NodePort" => true,
        "LoadBalancer" => spec.child("allocateLoadBalancerNodePorts").as_bool().unwrap_or(true),
        _ => false,
    }
}

fn node_ports(spec: &Value) -> Vec<i64> {
    spec.items("ports").iter().map(|port| port.number("nodePort")).filter(|port| *port != 0).collect()
}

/// A writer who leaves out what the server has given keeps it.
fn keep_allocated(service: &mut Value, old: &Value) {
    let (old, new) = (old.child("spec"), service.child("spec").clone());
    let Some(spec) = service.child_mut("spec") else { return };
    if needs_address(old) && needs_address(&new) {
        if new.text("clusterIP").is_empty() {
            spec.take_from(old, &["clusterIP"]);
        }
        if new.items("clusterIPs").is_empty() && !old.items("clusterIPs").is_empty() {
            spec.take_from(old, &["clusterIPs"]);
        }
    }
    if has_own_node_ports(old) && has_own_node_ports(&new) {
        let (had, has) = (node_ports(old), node_ports(&new));
        for port in spec.items_mut("ports").iter_mut().filter(|port| port.number("nodePort") == 0) {
            let same = old.items("ports").iter().rev().find(|old| old.text("name") == port.text("name"));
            let number = same.map(|old| old.number("nodePort")).unwrap_or_default();
            if number != 0 && !(had.contains(&number) && has.contains(&number)) {
                port.set(&["nodePort"], number.into());
            }
        }
    }
    if needs_health_check(old) && needs_health_check(&new) && new.number("healthCheckNodePort") == 0 {
        spec.take_from(old, &["healthCheckNodePort"]);
    }
}

/// `clusterIP` and `clusterIPs` say the same; a writer may write either.
fn normalize(service: &mut Value, old: Option<&Value>) {
    let new = service.child("spec").clone();
    let Some(spec) = service.child_mut("spec") else { return };
    let ip = new.text("clusterIP");
    let only = |spec: &mut Value| spec.set(&["clusterIPs"], vec![ip.into()].into());
    let Some(old) = old.map(|old| old.child("spec")) else {
        if !ip.is_empty() && new.items("clusterIPs").is_empty() {
            only(spec);
        }
        return;
    };
    let had = old.text("clusterIP");
    if !old.items("clusterIPs").is_empty() && new.items("clusterIPs").is_empty() && had == ip {
        spec.take_from(old, &["clusterIPs"]);
    }
    if had != ip && old.items("clusterIPs") == new.items("clusterIPs") {
        match !had.is_empty() && ip.is_empty() {
            true => drop(spec.remove(&["clusterIPs"])),
            false => only(spec),
        }
    }
}

fn want_addresses(wanted: &mut Wanted, service: &Value, old: Option<&Value>) {
    let spec = service.child("spec");
    let old = old.map(|old| old.child("spec"));
    let (ips, families) = (texts(spec.items("clusterIPs")), named_families(spec));
    let all = || -> Vec<WantedAddress> {
        if !needs_address(spec) || ips.first() == Some(&"None") {
            return Vec::new();
        }
        families.iter().enumerate().map(|(index, family)| want(&ips, index, *family)).collect()
    };
    let Some(old) = old else {
        wanted.addresses = all();
        return;
    };
    if prefers_dual_as_before(spec, old) {
        return;
    }
    let (had, had_families) = (texts(old.items("clusterIPs")), named_families(old));
    match (needs_address(old), needs_address(spec)) {
        (false, _) => wanted.addresses = all(),
        (true, _) if had.first() == Some(&"None") => {}
        (true, false) => wanted.released_addresses = had.into_iter().map(str::to_owned).collect(),
        (true, true) => match (had_families.len(), &*families) {
            (1, [_, second]) => wanted.addresses.push(want(&ips, 1, *second)),
            (2, [_]) => wanted.released_addresses.extend(had.get(1).map(|ip| (*ip).to_owned())),
            _ => {}
        },
    }
}

fn want(ips: &[&str], index: usize, family: Family) -> WantedAddress {
    let ip = ips.get(index).filter(|ip| !ip.is_empty()).map(|ip| (*ip).to_owned());
    WantedAddress { index, family, ip }
}

fn want_node_ports(wanted: &mut Wanted, service: &Value, old: Option<&Value>) {
    let (spec, had) = (service.child("spec"), old.map(|old| node_ports(old.child("spec"))));
    let has = node_ports(spec);
    if let Some(had) = &had {
        let dropped = had.iter().filter(|port| !has.contains(port));
        wanted.released_ports.extend(dropped);
    }
    if !matches!(spec.text("type"), "NodePort" | "LoadBalancer") {
        return;
    }
    let own = has_own_node_ports(spec);
    for (index, port) in spec.items("ports").iter().enumerate() {
        let number = Some(port.number("nodePort")).filter(|number| *number != 0);
        match (&had, number) {
            (_, None) if !own => {}
            (None, number) => want_shared(wanted, spec, (index, number)),
            (Some(had), Some(number)) if had.contains(&number) => {}
            (Some(_), number) => wanted.node_ports.push(WantedPorts { ports: vec![index], number }),
        }
    }
}

/// At creation the same port by several protocols gets the same node port, unless the writer says otherwise.
fn want_shared(wanted: &mut Wanted, spec: &Value, (index, number): (usize, Option<i64>)) {
    let ports = spec.items("ports");
    let same = |other: usize| ports[other].number("port") == ports[index].number("port");
    let known = wanted.node_ports.iter_mut().find(|known| known.ports.first().is_some_and(|at| same(*at)));
    match (known, number) {
        (Some(known), None) => known.ports.push(index),
        (Some(known), Some(number)) if known.number == Some(number) => {}
        (Some(_), Some(_)) => wanted.node_ports.push(WantedPorts { ports: vec![index], number }),
        (None, _) => {
            let mut numbers = ports.iter().filter(|port| port.number("port") == ports[index].number("port"));
            let asked = numbers.find_map(|port| Some(port.number("nodePort")).filter(|number| *number != 0));
            wanted.node_ports.push(WantedPorts { ports: vec![index], number: asked });
        }
    }
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    fn service(spec: &str) -> Value {
        from_json(format!(r#"{{"kind":"Service","spec":{{{spec}}}}}"#).as_bytes()).unwrap()
    }

    fn refused(spec: &str, old: Option<&str>, families: &[Family]) -> Vec<String> {
        let errors = wanted(&mut service(spec), old.map(service).as_ref(), families).unwrap_err();
        errors.iter().map(ToString::to_string).collect()
    }

    const BOTH: &[Family] = &[Family::V4, Family::V6];
    const DUAL: &str = r#""type":"ClusterIP","clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1","fd00::1"],"ipFamilies":["IPv4","IPv6"],"ipFamilyPolicy":"RequireDualStack""#;

    #[test]
    fn a_service_that_wants_two_families_is_given_an_address_of_each() {
        let mut service = service(r#""type":"ClusterIP","ipFamilyPolicy":"PreferDualStack","ports":[]"#);
        let wants = wanted(&mut service, None, BOTH).unwrap();
        let families: Vec<_> = wants.addresses.iter().map(|want| (want.index, want.family)).collect();
        assert_eq!(families, [(0, Family::V4), (1, Family::V6)]);
        let addresses = vec!["10.0.0.1".to_owned(), "fd00::1".to_owned()];
        wants.put(&mut service, &Given { addresses, ..Given::default() });
        assert_eq!(service.str_at(&["spec", "clusterIP"]), Some("10.0.0.1"));
        assert_eq!(texts(service.child("spec").items("clusterIPs")), ["10.0.0.1", "fd00::1"]);
        assert_eq!(release_all(&service).released_addresses, ["10.0.0.1", "fd00::1"]);
    }

    #[test]
    fn a_second_family_comes_and_goes_by_the_policy() {
        let one = r#""type":"ClusterIP","clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],"ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack""#;
        let wants =
            wanted(&mut service(&one.replace("SingleStack", "PreferDualStack")), Some(&service(one)), BOTH);
        let second = WantedAddress { index: 1, family: Family::V6, ip: None };
        assert_eq!(wants.unwrap().addresses, [second]);
        let mut single = service(&DUAL.replace("RequireDualStack", "SingleStack"));
        let wants = wanted(&mut single, Some(&service(DUAL)), BOTH).unwrap();
        assert_eq!(wants.released_addresses, ["fd00::1"]);
        assert_eq!(texts(single.child("spec").items("clusterIPs")), ["10.0.0.1"]);
    }

    #[test]
    fn what_the_cluster_has_not_is_refused() {
        let lacks = "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured for dual-stack services";
        assert_eq!(
            refused(r#""type":"ClusterIP","ipFamilyPolicy":"RequireDualStack""#, None, &BOTH[..1]),
            [lacks]
        );
        let six = "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster";
        assert_eq!(refused(r#""type":"ClusterIP","ipFamilies":["IPv6"]"#, None, &BOTH[..1]), [six]);
        let policy = "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": must be 'SingleStack' to release the secondary IP family";
        let reduced = DUAL.replace(r#"["IPv4","IPv6"]"#, r#"["IPv4"]"#);
        assert_eq!(refused(&reduced, Some(DUAL), BOTH), [policy]);
    }

    #[test]
    fn node_ports_are_shared_by_protocols_kept_by_name_and_released_with_the_type() {
        let both = r#""type":"NodePort","clusterIP":"None","ports":[{"name":"a","port":80,"protocol":"TCP"},{"name":"b","port":80,"protocol":"UDP"},{"name":"c","port":81,"nodePort":30081}]"#;
        let wants = wanted(&mut service(both), None, BOTH).unwrap();
        let ports: Vec<_> = wants.node_ports.iter().map(|want| (want.ports.clone(), want.number)).collect();
        assert_eq!(ports, [(vec![0, 1], None), (vec![2], Some(30081))]);

        let old = r#""type":"NodePort","ports":[{"name":"a","port":80,"nodePort":30080}],"clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"]"#;
        let mut new = service(r#""type":"NodePort","ports":[{"name":"b","port":81},{"name":"a","port":80}]"#);
        let wants = wanted(&mut new, Some(&service(old)), BOTH).unwrap();
        assert_eq!(new.child("spec").items("ports")[1].number("nodePort"), 30080);
        assert_eq!(wants.node_ports, [WantedPorts { ports: vec![0], number: None }]);
        assert!(wants.released_ports.is_empty() && wants.addresses.is_empty());

        let mut plain = service(r#""type":"ClusterIP","ports":[{"name":"a","port":80}]"#);
        let wants = wanted(&mut plain, Some(&service(old)), BOTH).unwrap();
        assert_eq!(
            (wants.released_ports, plain.str_at(&["spec", "clusterIP"])),
            (vec![30080], Some("10.0.0.1"))
        );
    }

    #[test]
    fn a_health_check_has_a_port_as_long_as_traffic_stays_local() {
        let local = r#""type":"LoadBalancer","externalTrafficPolicy":"Local","clusterIP":"None","clusterIPs":["None"],"allocateLoadBalancerNodePorts":false"#;
        assert_eq!(wanted(&mut service(local), None, BOTH).unwrap().health_check, Some(None));
        let old = service(&format!(r#"{local},"healthCheckNodePort":30001"#));
        let mut kept = service(local);
        assert_eq!(wanted(&mut kept, Some(&old), BOTH).unwrap().health_check, None);
        assert_eq!(kept.int_at(&["spec", "healthCheckNodePort"]), Some(30001));
        let wants = wanted(&mut service(&local.replace("Local", "Cluster")), Some(&old), BOTH).unwrap();
        assert_eq!(wants.released_ports, [30001]);
        assert_eq!(release_all(&old).released_ports, [30001]);
    }
}
