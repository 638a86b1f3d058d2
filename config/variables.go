package config

import (
	"reflect"

	"hunting-exporter/internal/setting"
)

// Variable is one setting, as the tags of its field declare it.
type Variable = setting.Variable

// Variables lists every setting in the order of the structs.
func Variables() []Variable { return collect(reflect.TypeFor[Config](), nil) }

func collect(t reflect.Type, all []Variable) []Variable {
	for i := range t.NumField() {
		f := t.Field(i)
		if v, ok := setting.Declared(f); ok {
			all = append(all, v)
		} else if f.Type.Kind() == reflect.Struct {
			all = collect(f.Type, all)
		}
	}
	return all
}
