package helm_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

// objects decodes what was rendered; a field that Kubernetes does not know is an
// error.
func objects(t *testing.T, manifest string) (cron batchv1.CronJob, maps []corev1.ConfigMap, account corev1.ServiceAccount) {
	t.Helper()
	for document := range strings.SplitSeq(manifest, "\n---\n") {
		var kind struct {
			Kind string `json:"kind"`
		}
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			t.Fatal(err)
		}
		var err error
		switch kind.Kind {
		case "CronJob":
			err = yaml.UnmarshalStrict([]byte(document), &cron)
		case "ConfigMap":
			maps = append(maps, corev1.ConfigMap{})
			err = yaml.UnmarshalStrict([]byte(document), &maps[len(maps)-1])
		case "ServiceAccount":
			err = yaml.UnmarshalStrict([]byte(document), &account)
		default:
			t.Errorf("unexpected kind %q", kind.Kind)
		}
		if err != nil {
			t.Errorf("%s: %v", kind.Kind, err)
		}
	}
	return cron, maps, account
}

func TestKubernetesKnowsEveryField(t *testing.T) {
	for name, args := range variants {
		t.Run(name, func(t *testing.T) {
			cron, maps, account := objects(t, render(t, args...))
			if cron.Name == "" || len(maps) == 0 || account.Name == "" {
				t.Errorf("objects are missing: cron job %q, %d config maps, service account %q", cron.Name, len(maps), account.Name)
			}
			if got := cron.Spec.JobTemplate.Spec.Template.Spec.ServiceAccountName; got != account.Name {
				t.Errorf("pod runs as %q, service account is %q", got, account.Name)
			}
		})
	}
}

func TestPodIsRestricted(t *testing.T) {
	checks, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for name, args := range variants {
		t.Run(name, func(t *testing.T) {
			cron, _, _ := objects(t, render(t, args...))
			pod := cron.Spec.JobTemplate.Spec.Template
			for _, result := range checks.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec) {
				if !result.Allowed {
					t.Errorf("%s: %s", result.ForbiddenReason, result.ForbiddenDetail)
				}
			}
			if c := pod.Spec.Containers[0].SecurityContext; c.ReadOnlyRootFilesystem == nil || !*c.ReadOnlyRootFilesystem {
				t.Error("root file system can be written")
			}
		})
	}
}

func TestRunsNeverOverlapAndEndByThemselves(t *testing.T) {
	cron, _, _ := objects(t, render(t))
	job := cron.Spec.JobTemplate.Spec
	if cron.Spec.ConcurrencyPolicy != batchv1.ForbidConcurrent {
		t.Errorf("concurrency policy %q", cron.Spec.ConcurrencyPolicy)
	}
	if job.Template.Spec.RestartPolicy != corev1.RestartPolicyNever {
		t.Errorf("restart policy %q", job.Template.Spec.RestartPolicy)
	}
	if job.ActiveDeadlineSeconds == nil || job.Template.Spec.TerminationGracePeriodSeconds == nil || cron.Spec.StartingDeadlineSeconds == nil {
		t.Error("a deadline is missing")
	}
	rules := job.PodFailurePolicy.Rules
	if len(rules) != 2 || rules[0].Action != batchv1.PodFailurePolicyActionIgnore || rules[1].Action != batchv1.PodFailurePolicyActionFailJob {
		t.Fatalf("rules %+v, want disruptions ignored first, then final exit codes", rules)
	}
	if got := rules[1].OnExitCodes; !slices.Equal(got.Values, []int32{2, 3, 4}) || *got.ContainerName != job.Template.Spec.Containers[0].Name {
		t.Errorf("final exit codes %+v of container %q", got, job.Template.Spec.Containers[0].Name)
	}
}

// TestAPodThatCannotStartHoldsUpOneRun: a pod without its image, Secret or admission is
// active until the job's deadline, and Forbid lets nothing start beside it. The run that was
// due meanwhile starts when the job has ended, if that is within its starting deadline.
func TestAPodThatCannotStartHoldsUpOneRun(t *testing.T) {
	cron, maps, _ := objects(t, render(t))
	minutes, ok := strings.CutPrefix(cron.Spec.Schedule, "*/")
	every, err := time.ParseDuration(strings.TrimSuffix(minutes, " * * * *") + "m")
	if !ok || err != nil {
		t.Fatalf("schedule %q: %v", cron.Spec.Schedule, err)
	}
	deadline, err := time.ParseDuration(maps[0].Data["EXPORT_DEADLINE"])
	if err != nil {
		t.Fatal(err)
	}
	seconds := func(n int64) time.Duration { return time.Duration(n) * time.Second }
	job := cron.Spec.JobTemplate.Spec
	active, grace := seconds(*job.ActiveDeadlineSeconds), seconds(*job.Template.Spec.TerminationGracePeriodSeconds)
	if late := seconds(*cron.Spec.StartingDeadlineSeconds); active+grace >= every+late {
		t.Errorf("a job ends %s after its start at the latest, and the run due after %s may start %s late", active+grace, every, late)
	}
	const commit = 5 * time.Minute // EXPORT_COMMIT_INTERVAL
	if active < deadline+commit {
		t.Errorf("a run that takes windows for %s is ended after %s, before it can commit", deadline, active)
	}
}

func TestEveryVolumeIsMounted(t *testing.T) {
	cron, _, _ := objects(t, render(t, variants["full"]...))
	pod := cron.Spec.JobTemplate.Spec.Template.Spec
	var volumes, mounts []string
	for _, v := range pod.Volumes {
		volumes = append(volumes, v.Name)
	}
	for _, m := range pod.Containers[0].VolumeMounts {
		mounts = append(mounts, m.Name)
	}
	slices.Sort(volumes)
	slices.Sort(mounts)
	if !slices.Equal(volumes, mounts) {
		t.Errorf("volumes %v, mounted %v", volumes, mounts)
	}
}

// TestSuspendedOnlyWhenAsked: a field that is not rendered can be changed by hand
// without a conflict in the next upgrade.
func TestSuspendedOnlyWhenAsked(t *testing.T) {
	if cron, _, _ := objects(t, render(t)); cron.Spec.Suspend != nil {
		t.Errorf("suspend is rendered as %t without being asked for", *cron.Spec.Suspend)
	}
	if cron, _, _ := objects(t, render(t, "--set", "suspend=true")); cron.Spec.Suspend == nil || !*cron.Spec.Suspend {
		t.Error("not suspended")
	}
}

func TestFailureIsToldByThePod(t *testing.T) {
	cron, _, _ := objects(t, render(t))
	if got := cron.Spec.JobTemplate.Spec.Template.Spec.Containers[0].TerminationMessagePolicy; got != corev1.TerminationMessageFallbackToLogsOnError {
		t.Errorf("termination message policy %q", got)
	}
}
