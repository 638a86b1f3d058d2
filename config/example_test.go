package config_test

import (
	"context"
	"fmt"

	"hunting-exporter/config"
	"hunting-exporter/internal/setting"
)

// Everything that is wrong is said at once, with what to do about it.
func ExampleLoad() {
	env := []string{"EXPORT_TABLES=AlertInfo", "SOURCE_CONCURRENCY=four", "SOURCE_CLOUD=moon"}
	_, err := config.Load(context.Background(), config.NewValues(nil, env), func(c config.Config) []setting.Problem {
		return setting.Judge(c.Source)
	})
	fmt.Println(err)
	// Output:
	// configuration: 2 problem(s)
	//   SOURCE_CONCURRENCY="four": is not a whole number; set digits only
	//   SOURCE_CLOUD="moon": no such cloud; set public, gcc, gcchigh or dod
}
