//! DeviceClasses.

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use super::{Errors, GROUP, validate_config, validate_selectors};
use crate::meta::{Edit, View};
use crate::naming::subdomain;
use crate::strategy::Strategy;

const UNPREFIXED: &str = "a name must be a domain-prefixed path, such as 'example.com/my-prop'";

pub(crate) const DEVICE_CLASS: Strategy = Strategy {
    default: |class| class.default_to("spec", Map::new()),
    validate,
    validate_update: |class, _| validate(class),
    name: subdomain,
    generation: Some(crate::pod_template::spec_changed),
    ..Strategy::plain(GROUP, "DeviceClass", &["v1"])
};

fn validate(class: &Value) -> Errors {
    let (mut errors, spec) = (Vec::new(), class.child("spec"));
    let at = At::ROOT.field("spec");
    validate_selectors(&mut errors, &at.field("selectors"), spec.items("selectors"));
    let list = at.field("config");
    for (index, config) in spec.items("config").iter().enumerate() {
        validate_config(&mut errors, &list.index(index), config);
    }
    let name = spec.text("extendedResourceName");
    if spec.has("extendedResourceName") && !name.contains('/') {
        errors.push(FieldError::invalid(&at.field("extendedResourceName"), name, UNPREFIXED));
    }
    errors
}
