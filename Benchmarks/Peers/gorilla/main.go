// gorilla/websocket as a peer: /echo sends back what comes, /room sends it to everyone there. Argument: the port.
package main

import (
	"bytes"
	"log"
	"net/http"
	"os"
	"sync"

	"github.com/gorilla/websocket"
)

var upgrader = websocket.Upgrader{
	WriteBufferPool: &sync.Pool{}, // a write buffer only while writing
	CheckOrigin:     func(*http.Request) bool { return true },
}

func echo(w http.ResponseWriter, r *http.Request) {
	connection, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer connection.Close()
	var message bytes.Buffer // used again: no allocation per message
	for {
		kind, reader, err := connection.NextReader()
		if err != nil {
			return
		}
		message.Reset()
		if _, err = message.ReadFrom(reader); err != nil {
			return
		}
		if connection.WriteMessage(kind, message.Bytes()) != nil {
			return
		}
	}
}

type member struct {
	connection *websocket.Conn
	queue      chan *websocket.PreparedMessage
}

var (
	lock    sync.RWMutex
	members = map[*member]struct{}{}
)

func (m *member) write() {
	for message := range m.queue {
		if m.connection.WritePreparedMessage(message) != nil {
			return
		}
	}
}

func publish(kind int, data []byte) error {
	message, err := websocket.NewPreparedMessage(kind, data)
	if err != nil {
		return err
	}
	lock.RLock()
	defer lock.RUnlock()
	for m := range members {
		select {
		case m.queue <- message:
		default:
			go m.connection.Close() // too slow
		}
	}
	return nil
}

func room(w http.ResponseWriter, r *http.Request) {
	connection, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	m := &member{connection, make(chan *websocket.PreparedMessage, 256)}
	lock.Lock()
	members[m] = struct{}{}
	lock.Unlock()
	go m.write()
	defer func() {
		lock.Lock()
		delete(members, m)
		lock.Unlock()
		close(m.queue)
		connection.Close()
	}()
	for {
		kind, data, err := connection.ReadMessage()
		if err != nil || publish(kind, data) != nil {
			return
		}
	}
}

func main() {
	http.HandleFunc("/echo", echo)
	http.HandleFunc("/room", room)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
