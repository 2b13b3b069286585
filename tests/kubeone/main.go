// Command kubeone is a whole Kubernetes control plane in one process on loopback, for tests only:
// etcd (embedded), kube-apiserver, kube-controller-manager and kube-scheduler.
//
//	kubeone --dir DIR [--port P] [--etcd-port Q] [--no-fsync] [-- extra kube-apiserver flags]
//
// DIR must hold sa.key, sa.pub, ca.crt, apiserver.crt, apiserver.key, tokens.csv and
// admin.kubeconfig; `cargo xtask kubeone up` makes them.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"

	_ "time/tzdata"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	logsapi "k8s.io/component-base/logs/api/v1"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kasapp "k8s.io/kubernetes/cmd/kube-apiserver/app"
	kcmapp "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	schedapp "k8s.io/kubernetes/cmd/kube-scheduler/app"
	schedopts "k8s.io/kubernetes/cmd/kube-scheduler/app/options"
)

type options struct {
	dir, port              string
	etcdPort, etcdPeerPort string
	noFsync, exitWithStdin bool
	controllers            string
}

func (o options) path(file string) string { return filepath.Join(o.dir, file) }

func main() {
	var o options
	flag.StringVar(&o.dir, "dir", "", "state and credentials directory")
	flag.StringVar(&o.port, "port", "26443", "kube-apiserver port on 127.0.0.1")
	flag.StringVar(&o.etcdPort, "etcd-port", "23790", "etcd client port on 127.0.0.1")
	flag.StringVar(&o.etcdPeerPort, "etcd-peer-port", "23800", "etcd peer port on 127.0.0.1")
	flag.BoolVar(&o.noFsync, "no-fsync", false, "let etcd write without fsync")
	flag.BoolVar(&o.exitWithStdin, "exit-with-stdin", false, "end when standard input closes, as it does when the parent dies")
	flag.StringVar(&o.controllers, "controllers", "*,-node-lifecycle-controller,-node-ipam-controller", "as kube-controller-manager takes it")
	flag.Parse()

	stop := make(chan os.Signal, 1)
	if o.exitWithStdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
	}

	// Three components in one process apply the same logging flags: allow that.
	logsapi.ReapplyHandling = logsapi.ReapplyHandlingIgnoreUnchanged
	utilruntime.ReallyCrash = false

	start := time.Now()
	tell := func(what string) { fmt.Fprintf(os.Stderr, "kubeone: %s %v\n", what, time.Since(start)) }
	startEtcd(o)
	tell("etcd ready")
	startAPIServer(o, flag.Args())
	tell("apiserver ready")
	startControllerManager(o)
	startScheduler(o)
	tell("all started")

	// The API server's own handler would wait for the in-process watches to drain.
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
	os.Exit(0)
}

func die(what string, err error) {
	fmt.Fprintf(os.Stderr, "kubeone: %s: %v\n", what, err)
	os.Exit(1)
}

func startEtcd(o options) {
	loopback := func(port string) url.URL { return url.URL{Scheme: "http", Host: "127.0.0.1:" + port} }
	cfg := embed.NewConfig()
	cfg.Name = "one"
	cfg.Dir = o.path("etcd")
	client, peer := []url.URL{loopback(o.etcdPort)}, []url.URL{loopback(o.etcdPeerPort)}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = client, client
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = peer, peer
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	cfg.UnsafeNoFsync = o.noFsync
	cfg.LogLevel = "error"
	cfg.LogOutputs = []string{"stderr"}
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		die("etcd", err)
	}
	select {
	case <-e.Server.ReadyNotify():
	case <-time.After(60 * time.Second):
		die("etcd", errors.New("not ready after 60 s"))
	}
}

func startAPIServer(o options, extra []string) {
	cmd := kasapp.NewAPIServerCommand() // installs the process's one signal handler
	cmd.SetArgs(append([]string{
		"--etcd-servers=http://127.0.0.1:" + o.etcdPort,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + o.port,
		"--tls-cert-file=" + o.path("apiserver.crt"), "--tls-private-key-file=" + o.path("apiserver.key"),
		"--client-ca-file=" + o.path("ca.crt"), "--token-auth-file=" + o.path("tokens.csv"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + o.path("sa.pub"), "--service-account-signing-key-file=" + o.path("sa.key"),
		"--service-cluster-ip-range=10.96.0.0/16", "--authorization-mode=RBAC",
		"--endpoint-reconciler-type=none",
		"--disable-admission-plugins=TaintNodesByCondition",
	}, extra...))
	go func() { die("kube-apiserver exited", cmd.Execute()) }()
	waitReady("https://127.0.0.1:" + o.port)
}

func waitReady(base string) {
	c := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // loopback readiness probe only
	defer c.CloseIdleConnections()
	for range 1200 {
		if r, err := c.Get(base + "/readyz"); err == nil {
			_ = r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	die("kube-apiserver", errors.New("not ready after 60 s"))
}

func startControllerManager(o options) {
	// The first word of the user agent is the field manager of what the controllers write.
	os.Args[0] = "kube-controller-manager"
	kubeconfig := o.path("admin.kubeconfig")
	cmd := kcmapp.NewControllerManagerCommand()
	cmd.SetArgs([]string{
		"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
		"--leader-elect=false", "--secure-port=0", "--use-service-account-credentials=false",
		"--service-account-private-key-file=" + o.path("sa.key"), "--root-ca-file=" + o.path("ca.crt"),
		// In 1.37 the cloud controllers are gone: naming one, even to switch it off, ends the process.
		"--controllers=" + o.controllers,
		"--kube-api-qps=500", "--kube-api-burst=1000",
	})
	go func() { die("kube-controller-manager exited", cmd.ExecuteContext(context.Background())) }()
}

func startScheduler(o options) {
	// Not NewSchedulerCommand: it would install a second signal handler and panic.
	kubeconfig := o.path("admin.kubeconfig")
	opts := schedopts.NewOptions()
	opts.SecureServing.BindPort = 0
	for set, name := range map[string]string{"authentication": "authentication-kubeconfig", "authorization": "authorization-kubeconfig"} {
		if f := opts.Flags.FlagSet(set).Lookup(name); f != nil {
			_ = f.Value.Set(kubeconfig)
		}
	}
	opts.ConfigFile = o.path("scheduler.yaml")
	config := strings.Join([]string{
		"apiVersion: kubescheduler.config.k8s.io/v1",
		"kind: KubeSchedulerConfiguration",
		"leaderElection: {leaderElect: false}",
		"clientConnection: {kubeconfig: " + kubeconfig + ", qps: 500, burst: 1000}",
		"",
	}, "\n")
	if err := os.WriteFile(opts.ConfigFile, []byte(config), 0o600); err != nil {
		die("kube-scheduler", err)
	}
	ctx := context.Background()
	cc, sched, err := schedapp.Setup(ctx, opts)
	if err != nil {
		die("kube-scheduler", err)
	}
	go func() { die("kube-scheduler exited", schedapp.Run(ctx, cc, sched)) }()
}
