package lab

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// Version returns which lab this is: the module's version or, built from a checkout,
// its commit; and of which Go, on which system.
func Version() string {
	return fmt.Sprintf("fourwires %s %s %s/%s", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && info.Main.Version == "(devel)" {
			return setting.Value
		}
	}
	return info.Main.Version
}
