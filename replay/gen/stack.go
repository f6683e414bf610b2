package gen

import (
	"fmt"
	"strings"
)

var (
	classes   = []string{"OrderService", "PaymentClient", "CartRepository", "SessionFilter", "StockHandler", "RetryTemplate", "JsonMapper", "PoolManager"}
	functions = []string{"process", "handle", "execute", "load", "save", "invoke", "doFilter", "apply", "run", "decode"}
	causes    = []string{"connection reset by peer", "read timed out", "null value in column", "index out of range", "no such key", "too many open files"}
	javaKinds = []string{"java.lang.IllegalStateException", "java.net.SocketTimeoutException", "java.sql.SQLException", "java.lang.NullPointerException"}
)

// stackTrace is what a program prints when something goes wrong: 5 to 80 lines. The same spot in the code gives the same
// frames; line numbers vary a little, as they do between versions.
func stackTrace(c chance, lang language, message string) string {
	var b strings.Builder
	depth := c.between(4, 18)
	if c.one(0.1) {
		depth = c.between(30, 70)
	}
	spot := c.IntN(40)
	frame := func(i int) (class, function string, line int) {
		k := spot*7 + i*3
		return classes[k%len(classes)], functions[(k+i)%len(functions)], 20 + k%400 + c.IntN(2)
	}
	switch lang {
	case "java":
		fmt.Fprintf(&b, "%s: %s", javaKinds[spot%len(javaKinds)], message)
		for i := range depth {
			class, function, line := frame(i)
			fmt.Fprintf(&b, "\n\tat com.example.shop.%s.%s(%s.java:%d)", class, function, class, line)
		}
		if c.one(0.5) {
			fmt.Fprintf(&b, "\nCaused by: java.io.IOException: %s", causes[spot%len(causes)])
			for i := range depth / 3 {
				class, function, line := frame(i + 50)
				fmt.Fprintf(&b, "\n\tat com.example.net.%s.%s(%s.java:%d)", class, function, class, line)
			}
			fmt.Fprintf(&b, "\n\t... %d more", depth)
		}
	case "go":
		fmt.Fprintf(&b, "panic: %s\n\ngoroutine %d [running]:", message, c.between(1, 9000))
		for i := range depth {
			class, function, line := frame(i)
			fmt.Fprintf(&b, "\nexample.com/shop/%s.%s(0xc000%s, 0x%x)\n\t/src/%s/%s.go:%d +0x%x", strings.ToLower(class), function,
				c.hex(6), c.between(1, 64), strings.ToLower(class), function, line, c.between(30, 900))
		}
	case "python":
		b.WriteString("Traceback (most recent call last):")
		for i := range depth {
			class, function, line := frame(i)
			fmt.Fprintf(&b, "\n  File \"/app/shop/%s.py\", line %d, in %s\n    return self.%s(request)", strings.ToLower(class), line, function, function)
		}
		fmt.Fprintf(&b, "\nRuntimeError: %s", message)
	default:
		fmt.Fprintf(&b, "Error: %s", message)
		for i := range depth {
			class, function, line := frame(i)
			fmt.Fprintf(&b, "\n    at %s.%s (/app/dist/%s.js:%d:%d)", class, function, strings.ToLower(class), line, c.between(3, 60))
		}
	}
	return b.String()
}
