//! The addresses and node ports that Services have.

use std::collections::BTreeMap;

use kinds::{Family, Given, Wanted};
use lockstep_core::Value;
use schema::{At, FieldError};

use crate::chance::Chance;
use crate::failure::{Failure, GroupResource};

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
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    ips: BTreeMap<String, u32>,
    ports: BTreeMap<i64, u32>,
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
        chance: &mut Chance,
    ) -> Result<Given, Failure> {
        let name = service.str_at(&["metadata", "name"]).unwrap_or_default();
        let invalid = |error| Failure::invalid(&GroupResource::new("", "Service"), name, &[error]);
        let spec = At::ROOT.field("spec");
        let mut given = Given::default();
        for address in &wanted.addresses {
            let ip = self.address(address.ip.as_deref(), &given, chance).map_err(|why| {
                let ips = service.at(&["spec", "clusterIPs"]).cloned().unwrap_or_default();
                invalid(FieldError::invalid(&spec.field("clusterIPs"), ips, why))
            })?;
            given.addresses.push(ip);
        }
        let ports = spec.field("ports");
        for port in &wanted.node_ports {
            let at = ports.index(port.ports.first().copied().unwrap_or(0));
            let number = self.port(port.number, &given, chance).map_err(|why| {
                invalid(FieldError::invalid(&at.field("nodePort"), port.number.unwrap_or(0), why))
            })?;
            given.node_ports.push(number);
        }
        if let Some(number) = wanted.health_check {
            let found = self.port(number, &given, chance).map_err(|why| {
                let number = number.unwrap_or(0);
                Failure::internal(&format!(
                    "failed to allocate requested HealthCheck NodePort {number}: {why}"
                ))
            })?;
            given.health_check = Some(found);
        }
        Ok(given)
    }

    fn address(&self, wanted: Option<&str>, given: &Given, chance: &mut Chance) -> Result<String, String> {
        let free = |ip: &String| !self.ips.contains_key(ip) && !given.addresses.contains(ip);
        if let Some(ip) = wanted {
            let refuse = |why: &str| Err(format!("failed to allocate IP {ip}: {why}"));
            let inside = ip.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| {
                let [a, b, c, d] = ip.octets();
                [a, b] == NETWORK && !matches!((c, d), (0, 0) | (255, 255))
            });
            return match (inside, free(&ip.to_owned())) {
                (false, _) => refuse("the provided network does not match the current range"),
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

    fn port(&self, wanted: Option<i64>, given: &Given, chance: &mut Chance) -> Result<i64, String> {
        let free = |port: &i64| !self.ports.contains_key(port) && !given.node_ports.contains(port);
        let (first, last) = (*PORTS.start(), *PORTS.end());
        if let Some(port) = wanted {
            return match (PORTS.contains(&port), free(&port)) {
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

/// The families of the cluster.
pub(crate) const FAMILIES: [Family; 1] = [Family::V4];
