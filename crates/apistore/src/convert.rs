//! Objects in other versions than they are stored or asked for in.

use std::cell::RefCell;

use lockstep_core::Value;
use schema::{Convert, ConvertError, Schema};

use crate::answers::Ask;
use crate::custom::Conversion;
use crate::demand::Demand;
use crate::entry::Entry;
use crate::failure::{Failure, Halt};
use crate::served::{Rules, Served};

/// The objects in another version.
pub(crate) fn convert_all(
    served: &Served,
    ask: Ask<'_>,
    objects: Vec<Value>,
    to: &str,
) -> Result<Vec<Value>, Halt> {
    match &served.rules {
        Rules::BuiltIn(strategy) => {
            let convert = |object: Value| match object.str_at(&["apiVersion"]) == Some(to) {
                true => object,
                false if strategy.kind == "Event" => event(&object, to),
                false => (strategy.convert)(object, to.rsplit('/').next().unwrap_or(to)),
            };
            Ok(objects.into_iter().map(convert).collect())
        }
        Rules::Custom(custom) => {
            if objects.iter().all(|object| object.str_at(&["apiVersion"]) == Some(to)) {
                return Ok(objects);
            }
            match &custom.conversion {
                Conversion::None => Ok(objects
                    .into_iter()
                    .map(|mut object| {
                        object.set(&["apiVersion"], to.into());
                        object
                    })
                    .collect()),
                Conversion::Webhook(webhook) => crate::custom::convert_by_webhook(webhook, ask, objects, to),
            }
        }
    }
}

/// Events are shown by two groups; each leaves out what is empty in its own way.
fn event(object: &Value, to: &str) -> Value {
    let converted = kinds::convert_event(object, to);
    let (group, version) = to.split_once('/').unwrap_or(("", to));
    let mut read = converted.clone();
    match crate::wire::canonical(&lockstep_core::Gvk::new(group, version, "Event"), &mut read) {
        Ok(_) => read,
        Err(_) => converted,
    }
}

/// One object in another version.
pub(crate) fn convert(served: &Served, ask: Ask<'_>, object: Value, to: &str) -> Result<Value, Halt> {
    if object.str_at(&["apiVersion"]) == Some(to) {
        return Ok(object);
    }
    let converted = convert_all(served, ask, vec![object], to)?;
    converted.into_iter().next().ok_or_else(|| Failure::internal("the conversion has lost the object").into())
}

/// A stored object in the version of the request. A custom one is settled by the version in which it was written, and has
/// nothing for which that of the request has no place.
pub(crate) fn decode(served: &Served, ask: Ask<'_>, entry: &Entry) -> Result<Value, Halt> {
    let decoded = decode_all(served, ask, &mut std::iter::once(entry))?;
    decoded.into_iter().next().ok_or_else(|| Failure::internal("the conversion has lost the object").into())
}

/// The same for several, of which a webhook is asked once.
pub(crate) fn decode_all(
    served: &Served,
    ask: Ask<'_>,
    entries: &mut dyn Iterator<Item = &Entry>,
) -> Result<Vec<Value>, Halt> {
    let objects = entries.map(|entry| settled(served, entry)).collect();
    let mut objects = convert_all(served, ask, objects, &served.api_version)?;
    if let Rules::Custom(custom) = &served.rules {
        objects.iter_mut().for_each(|object| custom.fit(object, &served.gvk.api.version));
    }
    Ok(objects)
}

/// A stored object in the version in which it was written.
pub(crate) fn settled(served: &Served, entry: &Entry) -> Value {
    let mut object = entry.value();
    if let Rules::Custom(custom) = &served.rules {
        custom.settle_stored(&mut object);
    }
    object
}

/// An object as it is stored.
pub(crate) fn to_store(served: &Served, ask: Ask<'_>, object: Value) -> Result<Value, Halt> {
    let mut object = convert(served, ask, object, &served.stored_version)?;
    if let Rules::Custom(custom) = &served.rules
        && served.api_version != served.stored_version
    {
        let version = &served.stored.api.version;
        custom.prune(&mut object, version);
        custom.read_embedded(&mut object, version).map_err(|error| Failure::unknown(error.to_string()))?;
    }
    Ok(object)
}

/// The versions of a kind, for field management. It cannot wait for webhooks: what it would have needed is kept.
pub(crate) struct Versions<'a> {
    pub(crate) served: &'a Served,
    pub(crate) ask: Ask<'a>,
    pub(crate) needed: RefCell<Vec<Demand>>,
}

impl<'a> Versions<'a> {
    pub(crate) fn new(served: &'a Served, ask: Ask<'a>) -> Self {
        Self { served, ask, needed: RefCell::default() }
    }

    /// What must be known before the result counts.
    pub(crate) fn settled(&self) -> Result<(), Halt> {
        let needed = self.needed.take();
        if needed.is_empty() { Ok(()) } else { Err(Halt::Need(needed)) }
    }
}

impl Convert for Versions<'_> {
    fn schema(&self, api_version: &str) -> Option<Schema> {
        if api_version == &*self.served.api_version {
            return self.served.schema().cloned();
        }
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.served.schema_of(&lockstep_core::Gvk::new(group, version, &self.served.gvk.kind))
    }

    fn convert(&self, object: &Value, api_version: &str) -> Result<Value, ConvertError> {
        if let Rules::Custom(custom) = &self.served.rules {
            let version = api_version.rsplit('/').next().unwrap_or(api_version);
            if custom.version(version).is_none() {
                // The server takes a version that a definition no longer has for a mistake, not for one that is only gone.
                return Err(ConvertError::Failed(format!(
                    "request to convert CR to an invalid group/version: {api_version}"
                )));
            }
        }
        if self.schema(api_version).is_none() {
            return Err(ConvertError::MissingVersion);
        }
        convert(self.served, self.ask, object.clone(), api_version).map_err(|halt| match halt {
            Halt::Failed(failure) => ConvertError::Failed(failure.message().to_owned()),
            Halt::Need(demands) => {
                self.needed.borrow_mut().extend(demands);
                ConvertError::Failed("not known yet".to_owned())
            }
        })
    }
}
