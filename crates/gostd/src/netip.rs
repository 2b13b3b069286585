//! Package `net/netip`: networks.

use core::net::IpAddr;

/// How many bits an address has.
pub fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address with all but its first bits zero, as `Prefix.Masked` has it; more bits than there are keep all.
pub fn masked(address: IpAddr, bits: u32) -> IpAddr {
    let behind = width(address).saturating_sub(bits);
    match address {
        IpAddr::V4(four) => IpAddr::V4((u32::from(four) & u32::MAX.checked_shl(behind).unwrap_or(0)).into()),
        IpAddr::V6(six) => IpAddr::V6((u128::from(six) & u128::MAX.checked_shl(behind).unwrap_or(0)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_the_first_bits_is_zero() {
        let check = |address: &str, bits: u32, want: &str| {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(masked(address, bits).to_string(), want, "{address}/{bits}");
        };
        check("10.1.2.255", 24, "10.1.2.0");
        check("10.1.2.255", 27, "10.1.2.224");
        check("10.1.2.255", 0, "0.0.0.0");
        check("10.1.2.255", 32, "10.1.2.255");
        check("10.1.2.255", 33, "10.1.2.255");
        check("2001:db8:ffff::1", 33, "2001:db8:8000::");
        check("2001:db8::1", 0, "::");
        check("2001:db8::1", 128, "2001:db8::1");
    }
}
