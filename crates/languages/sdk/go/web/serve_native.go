//go:build !wasip1

package web

import (
	"log"
	"net"
	"net/http"
	"os"
)

func serve(handler http.Handler) {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8000"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("serving http://%s/", listener.Addr())
	log.Fatal(http.Serve(listener, handler))
}
