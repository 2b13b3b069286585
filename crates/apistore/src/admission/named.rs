//! What rules of admission are kept in.

/// What has names, in their order. Every write asks all of it.
#[derive(Clone, Debug)]
pub(super) struct Named<T> {
    names: Vec<String>,
    pub(super) values: Vec<T>,
}

impl<T> Default for Named<T> {
    fn default() -> Self {
        Self { names: Vec::new(), values: Vec::new() }
    }
}

impl<T> Named<T> {
    /// Puts, replaces or takes away.
    pub(super) fn put(&mut self, name: &str, value: Option<T>) {
        let found = self.names.binary_search_by(|known| (**known).cmp(name));
        match (found, value) {
            (Ok(at), Some(value)) => self.values[at] = value,
            (Ok(at), None) => {
                self.names.remove(at);
                self.values.remove(at);
            }
            (Err(at), Some(value)) => {
                self.names.insert(at, name.to_owned());
                self.values.insert(at, value);
            }
            (Err(_), None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_name_is_put_in_its_place() {
        let mut named = Named::default();
        for (name, value) in
            [("b", Some(1)), ("c", Some(2)), ("a", Some(3)), ("b", Some(4)), ("c", None), ("d", None)]
        {
            named.put(name, value);
        }
        assert_eq!((named.names, named.values), (vec!["a".to_owned(), "b".to_owned()], vec![3, 4]));
    }
}
