package wire_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fourwires/internal/wire"
)

// fields are those that tshark prints.
var fields = []string{
	"tcp.srcport", "tcp.dstport", "tcp.seq", "tcp.payload",
	"http.request.method", "http.request.uri", "http.request.version", "http.request.line",
	"http.response.version", "http.response.code", "http.response.phrase", "http.response.line",
	"http.chunk_size",
	"websocket.fin", "websocket.opcode", "websocket.mask",
	"websocket.payload_length", "websocket.payload_length_ext_16", "websocket.payload_length_ext_64",
	"http2.type", "http2.flags", "http2.streamid", "http2.length",
}

// A row has the fields of one packet: by field, the values in their order.
type row map[string][]string

// askTshark returns the streams that tshark found in a file, by the port of the server and that of the client.
func askTshark(ctx context.Context, t *testing.T, file string, ports []int) map[int]map[int]*[2]stream {
	t.Helper()
	const between, among = "\t", "\x1f"
	args := []string{
		"-n", "-r", file, "-Y", "tcp",
		"-o", "tcp.relative_sequence_numbers:TRUE", "-o", "tcp.reassemble_out_of_order:TRUE",
		"-T", "fields", "-E", "separator=" + between, "-E", "occurrence=a", "-E", "aggregator=" + among,
	}
	for _, port := range ports {
		args = append(args, "-d", fmt.Sprintf("tcp.port==%d,http", port))
	}
	for _, field := range fields {
		args = append(args, "-e", field)
	}
	cmd := exec.CommandContext(ctx, "tshark", args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "WIRESHARK_CONFIG_DIR="+t.TempDir()) // no user's settings
	var stderr bytes.Buffer
	cmd.Stderr, cmd.WaitDelay = &stderr, time.Second
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, stderr.String())
	}

	streams := map[int]map[int]*[2]stream{}
	segments := map[*stream]map[int][]byte{} // by the number of their first byte
	for line := range strings.Lines(string(out)) {
		r := row{}
		for i, text := range strings.Split(strings.TrimSuffix(line, "\n"), between) {
			if text != "" {
				r[fields[i]] = strings.Split(text, among)
			}
		}
		dir, client, port := wire.Up, number(t, r["tcp.srcport"][0]), number(t, r["tcp.dstport"][0])
		if slices.Contains(ports, client) {
			dir, client, port = wire.Down, port, client
		}
		if streams[port] == nil {
			streams[port] = map[int]*[2]stream{}
		}
		if streams[port][client] == nil {
			streams[port][client] = &[2]stream{}
		}
		s := &streams[port][client][dir]
		s.add(t, r)
		if payload := r["tcp.payload"]; payload != nil {
			b, err := hex.DecodeString(strings.ReplaceAll(payload[0], ":", ""))
			if err != nil {
				t.Fatal(err)
			}
			if segments[s] == nil {
				segments[s] = map[int][]byte{}
			}
			if at := number(t, r["tcp.seq"][0]); len(b) > len(segments[s][at]) {
				segments[s][at] = b
			}
		}
	}
	for s, all := range segments {
		s.payload = join(t, all)
	}
	return streams
}

// join joins segments, some of which may have been sent twice.
func join(t *testing.T, segments map[int][]byte) (all []byte) {
	t.Helper()
	for _, seq := range slices.Sorted(maps.Keys(segments)) {
		at := seq - 1 // the SYN was number 0
		b := segments[seq]
		if at > len(all) {
			t.Fatalf("bytes %d to %d were not captured", len(all), at)
		}
		all = append(all, b[min(len(b), len(all)-at):]...)
	}
	return all
}

// add adds the heads, chunks and frames of a packet.
func (s *stream) add(t *testing.T, r row) {
	t.Helper()
	for _, parts := range [][]string{
		{"http.request.method", "http.request.uri", "http.request.version", "http.request.line"},
		{"http.response.version", "http.response.code", "http.response.phrase", "http.response.line"},
	} {
		for i := range r[parts[0]] {
			if i > 0 {
				t.Fatalf("two heads in a packet: %v", r)
			}
			start := r[parts[0]][0] + " " + r[parts[1]][0] + " " + r[parts[2]][0] + "\r\n"
			lines := strings.ReplaceAll(strings.Join(r[parts[3]], ""), `\r\n`, "\r\n")
			s.heads = append(s.heads, len(start+lines+"\r\n"))
		}
	}
	for _, size := range r["http.chunk_size"] {
		s.chunks = append(s.chunks, number(t, size))
	}
	for i, kind := range r["http2.type"] {
		flags, id, length := r["http2.flags"][i], r["http2.streamid"][i], r["http2.length"][i]
		s.frames2 = append(s.frames2, frame2Of(number(t, kind), number(t, flags), number(t, id), number(t, length)))
	}
	long := map[int][]string{126: r["websocket.payload_length_ext_16"], 127: r["websocket.payload_length_ext_64"]}
	for i, text := range r["websocket.payload_length"] {
		length := number(t, text)
		if more := long[length]; len(more) > 0 {
			long[length] = more[1:]
			length = number(t, more[0])
		}
		fin, opcode, mask := r["websocket.fin"][i], number(t, r["websocket.opcode"][i]), r["websocket.mask"][i]
		s.frames = append(s.frames, frameOf(yes(t, fin), uint64(opcode), yes(t, mask), uint64(length)))
	}
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// yes parses a boolean of tshark: "1", in later versions "True".
func yes(t *testing.T, text string) bool {
	t.Helper()
	b, err := strconv.ParseBool(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
