//! The addresses and node ports that Services have.

use std::collections::BTreeMap;

use kinds::{Family, Given, Wanted};
use lockstep_core::{Timestamp, Value, from_json, to_json};
use schema::{At, FieldError};

use crate::chance::{Chance, Fingerprint};
use crate::failure::{Failure, GroupResource};
use crate::state::{State, Write, WriteKind};

/// Where Services are.
pub(crate) const SERVICES: &str = "/services";

/// The network of the addresses, and how much of it is for those who ask for an address of their own.
const NETWORK: [u8; 2] = [10, 96];
const RESERVED: u32 = 256;
const HOSTS: u32 = 65_534;
const PORTS: std::ops::RangeInclusive<i64> = 30_000..=32_767;
/// How many ports at the beginning are for those who ask for one.
const RESERVED_PORTS: i64 = 86;

/// Who has what: how often, as the same port may be shared by protocols.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses {
    ips: BTreeMap<String, u32>,
    ports: BTreeMap<i64, u32>,
}

/// Whether what is given is then taken. What is only tried is checked less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Giving {
    Taken,
    Tried,
}

impl Addresses {
    /// What a Service has.
    pub(crate) fn add(&mut self, service: &Value) {
        let held = kinds::release_all(service);
        held.released_addresses.into_iter().for_each(|ip| *self.ips.entry(ip).or_default() += 1);
        held.released_ports.into_iter().for_each(|port| *self.ports.entry(port).or_default() += 1);
    }

    /// What a Service no longer has.
    pub(crate) fn take(&mut self, service: &Value) {
        let held = kinds::release_all(service);
        held.released_addresses.iter().for_each(|ip| drop_one(&mut self.ips, ip));
        held.released_ports.iter().for_each(|port| drop_one(&mut self.ports, port));
    }

    /// Gives a Service what it wants.
    pub(crate) fn give(
        &self,
        wanted: &Wanted,
        service: &Value,
        (chance, giving): (&mut Chance, Giving),
    ) -> Result<Given, Failure> {
        let name = service.str_at(&["metadata", "name"]).unwrap_or_default();
        let invalid = |error| Failure::invalid(&GroupResource::new("", "Service"), name, &[error]);
        let spec = At::ROOT.field("spec");
        let mut given = Given::default();
        for address in &wanted.addresses {
            let ip = self.address(address.ip.as_deref(), &given, (chance, giving)).map_err(|why| {
                let ips = service.at(&["spec", "clusterIPs"]).cloned().unwrap_or_default();
                invalid(FieldError::invalid(&spec.field("clusterIPs"), ips, why))
            })?;
            given.addresses.push(ip);
        }
        let ports = spec.field("ports");
        for port in &wanted.node_ports {
            let at = ports.index(port.ports.first().copied().unwrap_or(0));
            let number = self.port(port.number, &given, (chance, giving)).map_err(|why| {
                invalid(FieldError::invalid(&at.field("nodePort"), port.number.unwrap_or(0), why))
            })?;
            given.node_ports.push(number);
        }
        if let Some(number) = wanted.health_check {
            let found = self.port(number, &given, (chance, giving)).map_err(|why| {
                let number = number.unwrap_or(0);
                Failure::internal(&format!(
                    "failed to allocate requested HealthCheck NodePort {number}: {why}"
                ))
            })?;
            given.health_check = Some(found);
        }
        Ok(given)
    }

    fn address(
        &self,
        wanted: Option<&str>,
        given: &Given,
        (chance, giving): (&mut Chance, Giving),
    ) -> Result<String, String> {
        let free = |ip: &String| !self.ips.contains_key(ip) && !given.addresses.contains(ip);
        if let Some(ip) = wanted {
            let refuse = |why: &str| Err(format!("failed to allocate IP {ip}: {why}"));
            let inside = ip.parse::<core::net::Ipv4Addr>().is_ok_and(|ip| {
                let [a, b, c, d] = ip.octets();
                [a, b] == NETWORK && !matches!((c, d), (0, 0) | (255, 255))
            });
            return match (inside, free(&ip.to_owned())) {
                (false, _) if giving == Giving::Taken => {
                    refuse("the provided network does not match the current range")
                }
                (false, _) => refuse(&format!(
                    "the provided IP ({ip}) is not in the valid range. The range of valid IPs is {}.{}.0.0/16",
                    NETWORK[0], NETWORK[1]
                )),
                (true, _) if giving == Giving::Tried => Ok(ip.to_owned()),
                (true, false) => refuse("provided IP is already allocated"),
                (true, true) => Ok(ip.to_owned()),
            };
        }
        let start = chance.below(u64::from(HOSTS - RESERVED));
        let start = u32::try_from(start).unwrap_or(0);
        let upper = (0..HOSTS - RESERVED).map(|step| RESERVED + 1 + (start + step) % (HOSTS - RESERVED));
        let text = |host: u32| format!("{}.{}.{}.{}", NETWORK[0], NETWORK[1], host >> 8, host & 255);
        upper.chain(1..=RESERVED).map(text).find(free).ok_or_else(|| "range is full".to_owned())
    }

    fn port(
        &self,
        wanted: Option<i64>,
        given: &Given,
        (chance, giving): (&mut Chance, Giving),
    ) -> Result<i64, String> {
        let free = |port: &i64| !self.ports.contains_key(port) && !given.node_ports.contains(port);
        let (first, last) = (*PORTS.start(), *PORTS.end());
        if let Some(port) = wanted {
            return match (PORTS.contains(&port) || giving == Giving::Tried, free(&port)) {
                (false, _) => Err(format!(
                    "provided port is not in the valid range. The range of valid ports is {first}-{last}"
                )),
                (true, false) => Err("provided port is already allocated".to_owned()),
                (true, true) => Ok(port),
            };
        }
        let count = last - first + 1 - RESERVED_PORTS;
        let start = i64::try_from(chance.below(u64::try_from(count).unwrap_or(1))).unwrap_or(0);
        let upper = (0..count).map(|step| first + RESERVED_PORTS + (start + step) % count);
        upper.chain(first..first + RESERVED_PORTS).find(free).ok_or_else(|| "range is full".to_owned())
    }
}

fn drop_one<K: Ord + Clone>(held: &mut BTreeMap<K, u32>, key: &K) {
    if let Some(count) = held.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            held.remove(key);
        }
    }
}

/// Where the objects are that tell which Service has an address.
const IP_ADDRESSES: &str = "networking.k8s.io/ipaddresses";

/// What becomes of these objects by a write of a Service.
pub(crate) fn told(state: &State, write: &Write, now: Timestamp) -> Vec<Write> {
    if &*write.shelf != SERVICES {
        return Vec::new();
    }
    let held = |service: &Value| kinds::release_all(service).released_addresses;
    let before = state.shelf(SERVICES).and_then(|shelf| shelf.get(&write.key));
    let before = before.map(|entry| held(&entry.value())).unwrap_or_default();
    let after = match write.change.put() {
        Some(service) => held(service).into_iter().map(|ip| (ip, service)).collect(),
        None => Vec::new(),
    };
    let change = |ip: &str, change| Write { shelf: IP_ADDRESSES.into(), key: ip.into(), change };
    let gone = before.iter().filter(|ip| !after.iter().any(|(kept, _)| kept == *ip)).filter_map(|ip| {
        let entry = state.find(IP_ADDRESSES, "", ip)?;
        Some(change(ip, WriteKind::Remove(entry.value())))
    });
    let new = after.iter().filter(|(ip, _)| state.find(IP_ADDRESSES, "", ip).is_none());
    gone.chain(new.map(|(ip, service)| change(ip, WriteKind::Put(ip_address(ip, service, now))))).collect()
}

/// The object of one address. Its uid comes from the Service's, so that no chance is used up for it.
fn ip_address(ip: &str, service: &Value, now: Timestamp) -> Value {
    let text = |key: &str| service.str_at(&["metadata", key]).unwrap_or_default();
    let json = |text: &str| String::from_utf8_lossy(&to_json(&Value::from(text))).into_owned();
    let family = if ip.contains(':') { "IPv6" } else { "IPv4" };
    let uid = Chance::new(Fingerprint::of(&(text("uid"), ip))).uid();
    let (name, namespace) = (json(text("name")), json(text("namespace")));
    let object = format!(
        r#"{{"apiVersion":"networking.k8s.io/v1","kind":"IPAddress","metadata":{{"creationTimestamp":"{now}","labels":{{
        "ipaddress.kubernetes.io/ip-family":"{family}","ipaddress.kubernetes.io/managed-by":"ipallocator.k8s.io"}},
        "managedFields":[{{"apiVersion":"networking.k8s.io/v1","fieldsType":"FieldsV1","fieldsV1":{{"f:metadata":{{"f:labels":{{".":{{}},
        "f:ipaddress.kubernetes.io/ip-family":{{}},"f:ipaddress.kubernetes.io/managed-by":{{}}}}}},"f:spec":{{"f:parentRef":{{".":{{}},
        "f:name":{{}},"f:namespace":{{}},"f:resource":{{}}}}}}}},"manager":"kube-apiserver","operation":"Update","time":"{now}"}}],
        "name":"{ip}","uid":"{uid}"}},"spec":{{"parentRef":{{"name":{name},"namespace":{namespace},"resource":"services"}}}}}}"#
    );
    from_json(object.as_bytes()).unwrap_or_default()
}

/// The families of the cluster.
pub(crate) const FAMILIES: [Family; 1] = [Family::V4];
