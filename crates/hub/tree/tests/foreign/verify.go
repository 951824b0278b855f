// Verifies a checkpoint, the tiles under it, and a .tlog-proof, with nothing of Ironroot's:
// go run verify.go VKEY FOLDER PROOF. Exit code 0 when all of it holds.
package main

import (
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

// open returns the tree of a checkpoint that the key signed.
func open(checkpoint []byte, vkey string) tlog.Tree {
	opened := must(note.Open(checkpoint, note.VerifierList(must(note.NewVerifier(vkey)))))
	lines := strings.Split(opened.Text, "\n")
	tree := tlog.Tree{Hash: must(tlog.ParseHash(lines[2]))}
	must(fmt.Sscan(lines[1], &tree.N))
	return tree
}

// tiles reads tiles by their C2SP paths, which leave out sumdb's tile height.
type tiles struct{ folder string }

func (t tiles) Height() int                   { return 8 }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		found = append(found, must(os.ReadFile(filepath.Join(t.folder, path))))
	}
	return found, nil
}

func check(proof tlog.RecordProof, tree tlog.Tree, index int64, entry []byte) {
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		log.Fatal(err)
	}
}

func main() {
	vkey, folder, file := os.Args[1], os.Args[2], os.Args[3]
	head, checkpoint, _ := strings.Cut(string(must(os.ReadFile(file))), "\n\n")
	tree, lines := open([]byte(checkpoint), vkey), strings.Split(head, "\n")

	entry := must(base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra ")))
	var index int64
	must(fmt.Sscanf(lines[2], "index %d", &index))
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		proof = append(proof, must(tlog.ParseHash(line)))
	}
	check(proof, tree, index, entry)

	signed := open(must(os.ReadFile(filepath.Join(folder, "checkpoint"))), vkey)
	own := must(tlog.ProveRecord(signed.N, index, tlog.TileHashReader(signed, tiles{folder})))
	check(own, signed, index, entry)
	fmt.Fprintf(os.Stderr, "entry %d of %d verified\n", index, tree.N)
}
