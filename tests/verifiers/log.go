// Verifies the copy of a log with Go's own packages of its checksum database, which share no code with Efface:
// golang.org/x/mod/sumdb/note for the checkpoint's signature, and golang.org/x/mod/sumdb/tlog for the tree.
//
//	go run log.go KEYS FOLDER [OLD_CHECKPOINT...]
//
// KEYS is a file of verifier keys, as `efface log key` prints it. FOLDER is what `efface log mirror` has written. It
// verifies the checkpoint, the hash of every entry, proofs of some entries, and that the log begins with each older
// checkpoint. Exit code 0 if all holds, 1 if something does not. tests/acceptance_journal.py runs it.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// The first line of a tree's text in Go's own log; in a log of Efface it is the log's origin.
const goOrigin = "go.sum database tree\n"

// Tiles have 2^8 hashes, in Go's log as well as in c2sp.org/tlog-tiles.
const height = 8

// One entry in so many is also verified by a proof of its own; it shares no factor with the width of a tile.
const provedOneIn = 251

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: go run log.go KEYS FOLDER [OLD_CHECKPOINT...]")
		os.Exit(2)
	}
	said, err := verify(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Println("DOES NOT HOLD:", err)
		os.Exit(1)
	}
	fmt.Println("holds:", said)
}

func verify(keys, folder string, older []string) (string, error) {
	verifiers, err := readKeys(keys)
	if err != nil {
		return "", err
	}
	origin, tree, err := open(filepath.Join(folder, "checkpoint"), verifiers)
	if err != nil {
		return "", err
	}
	reader := tlog.TileHashReader(tree, &tiles{folder: folder, read: map[tlog.Tile][]byte{}})
	proved, err := checkEntries(folder, tree, reader)
	if err != nil {
		return "", err
	}
	for _, path := range older {
		if err := checkOlder(path, origin, tree, reader, verifiers); err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
	}
	return fmt.Sprintf("%d entries of %s, %d of them also by a proof; %d older checkpoints", tree.N, origin, proved,
		len(older)), nil
}

func readKeys(path string) (note.Verifiers, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var verifiers []note.Verifier
	for _, line := range strings.Split(string(text), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		verifier, err := note.NewVerifier(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		verifiers = append(verifiers, verifier)
	}
	return note.VerifierList(verifiers...), nil
}

// Reads a checkpoint that one of the keys has signed. Its origin must be that key's name.
func open(path string, verifiers note.Verifiers) (string, tlog.Tree, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", tlog.Tree{}, err
	}
	opened, err := note.Open(text, verifiers)
	if err != nil {
		return "", tlog.Tree{}, fmt.Errorf("checkpoint: %w", err)
	}
	lines := strings.SplitN(opened.Text, "\n", 2)
	if len(lines) != 2 || lines[0] != opened.Sigs[0].Name {
		return "", tlog.Tree{}, fmt.Errorf("checkpoint: the origin %q is not the key's name", lines[0])
	}
	tree, err := tlog.ParseTree([]byte(goOrigin + lines[1]))
	return lines[0], tree, err
}

// Compares each entry with the hash that the tree has for it. The reader has verified that hash up to the signed root.
func checkEntries(folder string, tree tlog.Tree, reader tlog.HashReader) (proved int, err error) {
	const width = 1 << height
	for first := int64(0); first < tree.N; first += width {
		tile := tlog.Tile{H: height, L: -1, N: first / width, W: int(smaller(width, tree.N-first))}
		entries, err := readBundle(folder, tile)
		if err != nil {
			return proved, err
		}
		indexes := make([]int64, len(entries))
		for i := range entries {
			indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
		}
		hashes, err := reader.ReadHashes(indexes)
		if err != nil {
			return proved, fmt.Errorf("the tiles above the entries from %d on: %w", first, err)
		}
		for i, entry := range entries {
			number, hash := first+int64(i), tlog.RecordHash(entry)
			if hash != hashes[i] {
				return proved, fmt.Errorf("entry %d has another hash than the tree", number)
			}
			if number%provedOneIn != 0 && number != tree.N-1 {
				continue
			}
			proof, err := tlog.ProveRecord(tree.N, number, reader)
			if err == nil {
				err = tlog.CheckRecord(proof, tree.N, tree.Hash, number, hash)
			}
			if err != nil {
				return proved, fmt.Errorf("entry %d: %w", number, err)
			}
			proved++
		}
	}
	return proved, nil
}

func checkOlder(path, origin string, tree tlog.Tree, reader tlog.HashReader, verifiers note.Verifiers) error {
	of, old, err := open(path, verifiers)
	if err != nil {
		return err
	}
	if of != origin || old.N > tree.N {
		return fmt.Errorf("it has %d entries of %s, and the log %d of %s", old.N, of, tree.N, origin)
	}
	if old.N == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(tree.N, old.N, reader)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash)
}

// Takes a bundle apart: before each entry stand its bytes' number, as two bytes.
func readBundle(folder string, tile tlog.Tile) (entries [][]byte, err error) {
	data, err := readFile(folder, tile)
	if err != nil {
		return nil, err
	}
	for len(entries) < tile.W {
		if len(data) < 2 {
			return nil, fmt.Errorf("%s has only %d entries", path(tile), len(entries))
		}
		length := int(binary.BigEndian.Uint16(data))
		if len(data) < 2+length {
			return nil, fmt.Errorf("%s ends within an entry", path(tile))
		}
		entries, data = append(entries, data[2:2+length]), data[2+length:]
	}
	if isWhole := len(data) == 0; !isWhole && tile.W == 1<<height {
		return nil, fmt.Errorf("%s has more than %d entries", path(tile), tile.W)
	}
	return entries, nil
}

// The tiles of a folder, as tlog.TileReader. What was read stays in memory: 8 KiB for each 256 entries.
type tiles struct {
	folder string
	read   map[tlog.Tile][]byte
}

func (t *tiles) Height() int { return height }

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for i, tile := range wanted {
		data, isRead := t.read[tile]
		if !isRead {
			var err error
			if data, err = readFile(t.folder, tile); err != nil {
				return nil, err
			}
			if length := tile.W * tlog.HashSize; len(data) < length {
				return nil, fmt.Errorf("%s has only %d bytes", path(tile), len(data))
			} else {
				data = data[:length]
			}
			t.read[tile] = data
		}
		found[i] = data
	}
	return found, nil
}

func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// Reads a tile or a bundle. Where a partial one is not there any more, the full one has replaced it.
func readFile(folder string, tile tlog.Tile) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(folder, path(tile)))
	if errors.Is(err, os.ErrNotExist) {
		tile.W = 1 << height
		return os.ReadFile(filepath.Join(folder, path(tile)))
	}
	return data, err
}

// Go's paths have the height, and `data` for bundles; those of c2sp.org/tlog-tiles have no height, and `entries`.
func path(tile tlog.Tile) string {
	name := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
	if tile.L == -1 {
		name = "entries" + strings.TrimPrefix(name, "data")
	}
	return "tile/" + name
}

func smaller(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}
