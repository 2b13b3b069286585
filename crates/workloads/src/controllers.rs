//! Which controllers there are, in the order in which each round asks them.

use crate::controller::Controller;
use crate::namespaces::{NamespaceContents, NamespaceDeletion, Part};
use crate::token_secrets::{Signer, TokenSecrets};

pub(crate) fn all(authority: &str, signer: Option<Signer>) -> Vec<Box<dyn Controller>> {
    let contents = |part| Box::new(NamespaceContents { authority: authority.to_owned(), part });
    let tokens = signer.map(|signer| TokenSecrets { authority: authority.to_owned(), signer });
    let tokens = tokens.into_iter().map(|tokens| Box::new(tokens) as Box<dyn Controller>);
    let others: Vec<Box<dyn Controller>> = vec![
        contents(Part::Authority),
        contents(Part::Account),
        Box::new(NamespaceDeletion),
        Box::new(crate::garbage::Garbage),
        Box::new(crate::nodes::Nodes),
        Box::new(crate::deployment::Deployments),
        Box::new(crate::replica_set::ReplicaSets),
        Box::new(crate::stateful_set::StatefulSets),
        Box::new(crate::daemon_set::DaemonSets),
        Box::new(crate::cron_job::CronJobs),
        Box::new(crate::job::Jobs),
        Box::new(crate::claims::Claims),
        Box::new(crate::endpoints::Endpoints::Slices),
        Box::new(crate::endpoints::Endpoints::Legacy),
        Box::new(crate::budgets::Budgets),
        Box::new(crate::autoscalers::Autoscalers),
        Box::new(crate::cluster_roles::ClusterRoles),
        Box::new(crate::quotas::Quotas),
        Box::new(crate::scheduler::Scheduler::default()),
        Box::new(crate::kubelet::Kubelet::default()),
    ];
    tokens.chain(others).collect()
}
