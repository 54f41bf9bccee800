package wire

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// headerText describes a frame's header, where there are spans.
func (h *half) headerText(header []byte) string {
	if h.d.spans == nil {
		return ""
	}
	return frameText(header)
}

// frameText describes a frame's header.
func frameText(header []byte) string {
	kind, flags := header[3], header[4]
	length := int(header[0])<<16 | int(header[1])<<8 | int(header[2])
	text := []string{typeName(kind)}
	if id := binary.BigEndian.Uint32(header[5:]) &^ (1 << 31); id > 0 {
		text = append(text, fmt.Sprint("stream ", id))
	}
	for _, flag := range []struct {
		bit   byte
		name  string
		kinds []byte
	}{
		{flagEndStream, "END_STREAM", []byte{typeData, typeHeaders}},
		{flagEndStream, "ACK", []byte{typeSettings, typePing}},
		{flagEndHeaders, "END_HEADERS", []byte{typeHeaders, typeContinuation}},
		{flagPadded, "PADDED", []byte{typeData, typeHeaders}},
		{flagPriority, "PRIORITY", []byte{typeHeaders}},
	} {
		if flags&flag.bit != 0 && strings.IndexByte(string(flag.kinds), kind) >= 0 {
			text = append(text, flag.name)
		}
	}
	return strings.Join(append(text, fmt.Sprint(length, " bytes")), ", ")
}

// payloadText describes the payload of a control frame, once its last n bytes are read.
func (h *half) payloadText(n int64) string {
	f := &h.http2
	if h.d.spans == nil || n < h.left {
		return ""
	}
	return controlText(typeName(f.kind), f.word[:f.wordLen])
}

// controlText describes the payload of a control frame, of which it needs 8 bytes at most.
func controlText(name string, payload []byte) string {
	switch {
	case name == "RST_STREAM" && len(payload) == 4:
		return errorName(binary.BigEndian.Uint32(payload))
	case name == "GOAWAY" && len(payload) >= 8:
		code, last := binary.BigEndian.Uint32(payload[4:]), binary.BigEndian.Uint32(payload)
		return fmt.Sprintf("%s, last stream %d", errorName(code), last)
	case name == "WINDOW_UPDATE" && len(payload) == 4:
		return fmt.Sprintf("%d more bytes", binary.BigEndian.Uint32(payload))
	}
	return ""
}

// settingText describes a setting.
func settingText(setting []byte) string {
	return fmt.Sprintf("%s %d", settingName(binary.BigEndian.Uint16(setting)), binary.BigEndian.Uint32(setting[2:]))
}

// text returns what the bytes of a span of HTTP/2 mean, where that is not in it: a recording does not keep what its
// bytes tell.
func (s *Span) text() string {
	switch {
	case s.Role == roleFrame && len(s.Bytes) == headerSize:
		return frameText(s.Bytes)
	case s.Role == roleSetting && len(s.Bytes) == settingSize:
		return settingText(s.Bytes)
	}
	return controlText(s.Role, s.Bytes)
}

// typeName returns the name of a type of frame.
func typeName(kind byte) string {
	names := []string{
		"DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS",
		"PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE", "CONTINUATION",
	}
	switch {
	case int(kind) < len(names):
		return names[kind]
	case kind == 0x10:
		return "PRIORITY_UPDATE" // RFC 9218, section 7.1
	}
	return fmt.Sprintf("type 0x%x", kind)
}

// settingName returns the name of a setting, without SETTINGS_.
func settingName(id uint16) string {
	names := []string{
		"", "HEADER_TABLE_SIZE", "ENABLE_PUSH", "MAX_CONCURRENT_STREAMS",
		"INITIAL_WINDOW_SIZE", "MAX_FRAME_SIZE", "MAX_HEADER_LIST_SIZE",
	}
	switch {
	case id > 0 && int(id) < len(names):
		return names[id]
	case id == 0x8:
		return "ENABLE_CONNECT_PROTOCOL" // RFC 8441, section 3
	case id == 0x9:
		return "NO_RFC7540_PRIORITIES" // RFC 9218, section 2.1
	}
	return fmt.Sprintf("setting 0x%x", id)
}

// errorName returns the name of an error code (RFC 9113, section 7).
func errorName(code uint32) string {
	names := []string{
		"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
		"FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
		"INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
	}
	if int(code) < len(names) {
		return names[code]
	}
	return "an error that has no name"
}
