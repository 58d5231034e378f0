package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// kinds are those of the manifests, by version and kind.
var kinds = map[string]func() meta.Object{
	"v1/Namespace":                           func() meta.Object { return &core.Namespace{} },
	"v1/Service":                             func() meta.Object { return &core.Service{} },
	"apps/v1/Deployment":                     func() meta.Object { return &apps.Deployment{} },
	"apps/v1/StatefulSet":                    func() meta.Object { return &apps.StatefulSet{} },
	"autoscaling/v2/HorizontalPodAutoscaler": func() meta.Object { return &autoscaling.HorizontalPodAutoscaler{} },
	"networking.k8s.io/v1/Ingress":           func() meta.Object { return &networking.Ingress{} },
	"networking.k8s.io/v1/NetworkPolicy":     func() meta.Object { return &networking.NetworkPolicy{} },
	"policy/v1/PodDisruptionBudget":          func() meta.Object { return &policy.PodDisruptionBudget{} },
}

const manifests = "deploy/kubernetes"

// decode reads the objects of a file into the types of Kubernetes' API. A key that the
// type does not have, or has twice, is an error.
func decode(text string) (map[string]meta.Object, error) {
	objects := make(map[string]meta.Object)
	for i, part := range strings.Split(text, "\n---\n") {
		var head meta.TypeMeta
		if err := yaml.Unmarshal([]byte(part), &head); err != nil {
			return nil, fmt.Errorf("object %d: %w", i+1, err)
		}
		empty, known := kinds[head.APIVersion+"/"+head.Kind]
		if !known {
			return nil, fmt.Errorf("object %d is a %s of %s", i+1, head.Kind, head.APIVersion)
		}
		o := empty()
		if err := yaml.UnmarshalStrict([]byte(part), o); err != nil {
			return nil, fmt.Errorf("object %d, a %s: %w", i+1, head.Kind, err)
		}
		name := head.Kind + "/" + o.GetName()
		if objects[name] != nil {
			return nil, fmt.Errorf("%s is there twice", name)
		}
		objects[name] = o
	}
	return objects, nil
}

// cluster is every object of every manifest, by kind and name.
func cluster(t *testing.T) map[string]meta.Object {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, manifests, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]meta.Object)
	for _, file := range files {
		if filepath.Base(file) == "kustomization.yaml" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		objects, err := decode(string(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for name, o := range objects {
			if all[name] != nil {
				t.Errorf("%s: %s is in another file too", file, name)
			}
			all[name] = o
		}
	}
	return all
}

// object is one of the cluster, of the type that the caller knows it to have.
func object[T meta.Object](t *testing.T, name string) T {
	t.Helper()
	o, ok := cluster(t)[name].(T)
	if !ok {
		t.Fatalf("there is no %s", name)
	}
	return o
}

// pods are the templates of pods, by the name of what makes them.
func pods(t *testing.T) map[string]core.PodTemplateSpec {
	t.Helper()
	return map[string]core.PodTemplateSpec{
		"sockeye": object[*apps.Deployment](t, "Deployment/sockeye").Spec.Template,
		"redis":   object[*apps.StatefulSet](t, "StatefulSet/redis").Spec.Template,
	}
}

// selects reports whether a selector takes the pods of a template.
func selects(t *testing.T, s *meta.LabelSelector, p core.PodTemplateSpec) bool {
	t.Helper()
	selector, err := meta.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatal(err)
	}
	return !selector.Empty() && selector.Matches(labels.Set(p.Labels))
}

func TestEveryManifestIsInOneNamespace(t *testing.T) {
	all := cluster(t)
	if len(all) != 10 {
		t.Errorf("there are %d objects", len(all))
	}
	for name, o := range all {
		if name != "Namespace/sockeye" && o.GetNamespace() != "sockeye" {
			t.Errorf("%s is in the namespace %q", name, o.GetNamespace())
		}
	}
}

func TestAMisspelledKeyOfAManifestIsFound(t *testing.T) {
	text := read(t, manifests+"/deployment.yaml")
	for _, change := range [][2]string{
		{"readinessProbe:", "readynessProbe:"},
		{"memory: 256Mi", "memory: 256Mx"},
		{"replicas: 3", "replicas: three"},
		{"kind: Deployment", "kind: Deploymint"},
		{"replicas: 3", "replicas: 3\n  replicas: 3"},
	} {
		wrong := strings.Replace(text, change[0], change[1], 1)
		if _, err := decode(wrong); wrong == text || err == nil {
			t.Errorf("%q was taken", change[1])
		}
	}
}

func TestKustomizationListsTheManifests(t *testing.T) {
	var k struct {
		meta.TypeMeta `json:",inline"`
		Resources     []string `json:"resources"`
		Images        []struct {
			Name    string `json:"name"`
			NewName string `json:"newName"`
			NewTag  string `json:"newTag"`
		} `json:"images"`
	}
	if err := yaml.UnmarshalStrict([]byte(read(t, manifests+"/kustomization.yaml")), &k); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, manifests, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"autoscaler.yaml", "kustomization.yaml"} // the one is optional, the other is the list
	for _, r := range k.Resources {
		want = append(want, filepath.Base(r))
	}
	for i := range files {
		files[i] = filepath.Base(files[i])
	}
	slices.Sort(want)
	if !slices.Equal(files, want) {
		t.Errorf("the folder has %q, and the list with what is not in it makes %q", files, want)
	}
	if len(k.Images) != 1 || k.Images[0].Name != pods(t)["sockeye"].Spec.Containers[0].Image {
		t.Errorf("the images are %+v", k.Images)
	}
}

func TestSelectorsFindTheirPods(t *testing.T) {
	all, templates := cluster(t), pods(t)
	matched := 0
	for name, o := range all {
		var s *meta.LabelSelector
		switch o := o.(type) {
		case *apps.Deployment:
			s = o.Spec.Selector
		case *apps.StatefulSet:
			s = o.Spec.Selector
		case *core.Service:
			s = &meta.LabelSelector{MatchLabels: o.Spec.Selector}
		case *policy.PodDisruptionBudget:
			s = o.Spec.Selector
		case *networking.NetworkPolicy:
			s = &o.Spec.PodSelector
		default:
			continue
		}
		matched++
		for who, p := range templates {
			if got, want := selects(t, s, p), who == o.GetName(); got != want {
				t.Errorf("%s selects the pods of %s: %v, want %v", name, who, got, want)
			}
		}
	}
	if matched != 7 {
		t.Errorf("%d selectors were looked at", matched)
	}
	for _, c := range templates["sockeye"].Spec.TopologySpreadConstraints {
		if !selects(t, c.LabelSelector, templates["sockeye"]) {
			t.Errorf("the spread over %s counts other pods", c.TopologyKey)
		}
	}
	target := object[*autoscaling.HorizontalPodAutoscaler](t, "HorizontalPodAutoscaler/sockeye").Spec.ScaleTargetRef
	if target.APIVersion != "apps/v1" || all[target.Kind+"/"+target.Name] == nil {
		t.Errorf("the autoscaler is for %+v", target)
	}
}

// port is the number of the port that a name stands for in a template.
func port(p core.PodTemplateSpec, name string) int32 {
	for _, c := range p.Spec.Containers {
		for _, port := range c.Ports {
			if port.Name == name {
				return port.ContainerPort
			}
		}
	}
	return 0
}

func TestPortsThatAreNamedExist(t *testing.T) {
	templates := pods(t)
	for who, p := range templates {
		s := object[*core.Service](t, "Service/"+who)
		for _, sp := range s.Spec.Ports {
			if port(p, sp.TargetPort.StrVal) == 0 {
				t.Errorf("Service/%s leads to the port %v, which the pods do not have", who, sp.TargetPort)
			}
		}
		n := object[*networking.NetworkPolicy](t, "NetworkPolicy/"+who)
		for _, rule := range n.Spec.Ingress {
			if len(rule.Ports) == 0 || len(rule.From) == 0 {
				t.Errorf("NetworkPolicy/%s has a rule for everything or everybody", who)
			}
			for _, np := range rule.Ports {
				if port(p, np.Port.StrVal) == 0 {
					t.Errorf("NetworkPolicy/%s opens the port %v, which the pods do not have", who, np.Port)
				}
			}
		}
	}
	service := object[*core.Service](t, "Service/sockeye")
	if service.Spec.SessionAffinity != core.ServiceAffinityNone {
		t.Errorf("the session affinity is %s", service.Spec.SessionAffinity)
	}
	for _, rule := range object[*networking.Ingress](t, "Ingress/sockeye").Spec.Rules {
		for _, path := range rule.HTTP.Paths {
			b := path.Backend.Service
			if b.Name != service.Name || b.Port.Name != service.Spec.Ports[0].Name {
				t.Errorf("%s%s leads to %+v", rule.Host, path.Path, b)
			}
		}
	}
}

// TestNodesReachEachOtherAndRedisAndNobodyElseDoes reads the policies from both ends.
func TestNodesReachEachOtherAndRedisAndNobodyElseDoes(t *testing.T) {
	templates := pods(t)
	for _, way := range [][3]string{{"sockeye", "sockeye", "http"}, {"sockeye", "redis", "redis"}} {
		from, to, portName := way[0], way[1], way[2]
		out := object[*networking.NetworkPolicy](t, "NetworkPolicy/"+from).Spec.Egress
		in := object[*networking.NetworkPolicy](t, "NetworkPolicy/"+to).Spec.Ingress
		leaves := slices.ContainsFunc(out, func(r networking.NetworkPolicyEgressRule) bool {
			return opens(t, r.To, r.Ports, templates[to], portName)
		})
		enters := slices.ContainsFunc(in, func(r networking.NetworkPolicyIngressRule) bool {
			return opens(t, r.From, r.Ports, templates[from], portName)
		})
		if !leaves || !enters {
			t.Errorf("from %s to %s: leaves %v, enters %v", from, to, leaves, enters)
		}
	}
	redis := object[*networking.NetworkPolicy](t, "NetworkPolicy/redis").Spec
	if len(redis.Ingress) != 1 || len(redis.Ingress[0].From) != 1 || len(redis.Egress) != 0 || len(redis.PolicyTypes) != 2 {
		t.Errorf("others than Sockeye reach Redis, or it reaches others: %+v", redis)
	}
}

func opens(t *testing.T, peers []networking.NetworkPolicyPeer, ports []networking.NetworkPolicyPort, p core.PodTemplateSpec, name string) bool {
	t.Helper()
	return slices.ContainsFunc(ports, func(np networking.NetworkPolicyPort) bool { return np.Port.StrVal == name }) &&
		slices.ContainsFunc(peers, func(peer networking.NetworkPolicyPeer) bool {
			return peer.NamespaceSelector == nil && peer.PodSelector != nil && selects(t, peer.PodSelector, p)
		})
}

func TestProbesAskTheMetricsPort(t *testing.T) {
	p := pods(t)["sockeye"]
	c := p.Spec.Containers[0]
	env := make(map[string]string)
	for _, v := range c.Env {
		checkVariable(t, "deployment.yaml", v.Name)
		env[v.Name] = v.Value
		if v.Name == "POD_IP" && v.ValueFrom.FieldRef.FieldPath != "status.podIP" {
			t.Errorf("POD_IP is %+v", v.ValueFrom)
		}
	}
	if _, has := env["POD_IP"]; !has {
		t.Error("the pods do not know their address")
	}
	for variable, name := range map[string]string{"SOCKEYE_LISTEN": "http", "SOCKEYE_METRICS_LISTEN": "metrics"} {
		if env[variable] != fmt.Sprintf(":%d", port(p, name)) {
			t.Errorf("%s is %q, and the port %s %d", variable, env[variable], name, port(p, name))
		}
	}
	for path, probe := range map[string]*core.Probe{"/healthz": c.LivenessProbe, "/healthz ": c.StartupProbe, "/readyz": c.ReadinessProbe} {
		if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != strings.TrimSpace(path) || probe.HTTPGet.Port.StrVal != "metrics" {
			t.Errorf("%s: the probe is %+v", path, probe)
		}
	}
	checkGrace(t, "terminationGracePeriodSeconds", time.Duration(*p.Spec.TerminationGracePeriodSeconds)*time.Second, env)
	if budget := object[*policy.PodDisruptionBudget](t, "PodDisruptionBudget/sockeye").Spec; budget.MaxUnavailable.IntVal != 1 {
		t.Errorf("the budget is %+v", budget)
	}
}

func TestSecretsArriveAsFiles(t *testing.T) {
	p := pods(t)["sockeye"]
	c := p.Spec.Containers[0]
	var have []string
	for _, v := range p.Spec.Volumes {
		for _, m := range c.VolumeMounts {
			if m.Name != v.Name || v.Secret == nil {
				continue
			}
			if !m.ReadOnly || *v.Secret.DefaultMode != 0o440 || *p.Spec.SecurityContext.FSGroup != *p.Spec.SecurityContext.RunAsGroup {
				t.Errorf("the secret %s is mounted with mode %o", v.Secret.SecretName, *v.Secret.DefaultMode)
			}
			for _, i := range v.Secret.Items {
				have = append(have, m.MountPath+"/"+i.Path)
			}
		}
	}
	var want []string
	for _, v := range c.Env {
		if strings.HasSuffix(v.Name, "_FILE") {
			want = append(want, v.Value)
		}
		if v.ValueFrom != nil && v.ValueFrom.SecretKeyRef != nil {
			t.Errorf("%s is a secret in a variable", v.Name)
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if len(want) < 2 || !slices.Equal(have, want) {
		t.Errorf("the files are %q, the variables name %q", have, want)
	}
}

func TestPodsMayDoLittle(t *testing.T) {
	for who, p := range pods(t) {
		pod := p.Spec.SecurityContext
		if !*pod.RunAsNonRoot || *pod.RunAsUser == 0 || pod.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault || *p.Spec.AutomountServiceAccountToken {
			t.Errorf("%s: the pod's security context is %+v", who, pod)
		}
		for _, c := range p.Spec.Containers {
			s := c.SecurityContext
			if *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" || len(s.Capabilities.Add) > 0 {
				t.Errorf("%s: the container's security context is %+v", who, s)
			}
			if c.Resources.Requests.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
				t.Errorf("%s: the resources are %+v", who, c.Resources)
			}
		}
	}
}

// Go keeps under the limit of memory with room for what the kernel charges for sockets.
func TestMemoryLimitOfGoIsBelowThatOfThePod(t *testing.T) {
	c := pods(t)["sockeye"].Spec.Containers[0]
	for _, v := range c.Env {
		if v.Name != "GOMEMLIMIT" {
			continue
		}
		limit, err := resource.ParseQuantity(strings.TrimSuffix(v.Value, "B")) // MiB is Mi there
		if err != nil {
			t.Fatal(err)
		}
		if share := limit.AsApproximateFloat64() / c.Resources.Limits.Memory().AsApproximateFloat64(); share < 0.5 || share > 0.8 {
			t.Errorf("GOMEMLIMIT %s is %.2f of the limit of memory", v.Value, share)
		}
		return
	}
	t.Error("GOMEMLIMIT is not set")
}
