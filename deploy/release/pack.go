package main

import (
	"archive/tar"
	"archive/zip"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// packed is a file in an archive: the content of a file on disk, or a text.
type packed struct {
	name, path string
	text       []byte
	mode       fs.FileMode
}

func (p packed) content() ([]byte, error) {
	if p.path == "" {
		return p.text, nil
	}
	return os.ReadFile(p.path)
}

// archiver writes the files of a folder. Nothing but names, modes, the date and
// the contents may show in the bytes.
type archiver func(w io.Writer, top string, files []packed, date time.Time) error

// pack writes an archive whose files are all in one folder, top, by name.
func (r *release) pack(path, top string, files []packed, write archiver) error {
	slices.SortFunc(files, func(a, b packed) int { return strings.Compare(a.name, b.name) })
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644) //nolint:gosec // what is released is for everybody
	if err != nil {
		return err
	}
	return errors.Join(write(f, top, files, r.date), f.Close())
}

func writeTar(w io.Writer, top string, files []packed, date time.Time) error {
	zw, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(zw)
	for _, file := range files {
		text, err := file.content()
		if err != nil {
			return err
		}
		err = tw.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg, Name: top + "/" + file.name, Size: int64(len(text)),
			Mode: int64(file.mode), ModTime: date, Format: tar.FormatUSTAR,
		})
		if err != nil {
			return err
		}
		if _, err := tw.Write(text); err != nil {
			return err
		}
	}
	return errors.Join(tw.Close(), zw.Close())
}

func writeZip(w io.Writer, top string, files []packed, date time.Time) error {
	zw := zip.NewWriter(w)
	zw.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	for _, file := range files {
		text, err := file.content()
		if err != nil {
			return err
		}
		header := &zip.FileHeader{Name: top + "/" + file.name, Method: zip.Deflate, Modified: date}
		header.SetMode(file.mode)
		fw, err := zw.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := fw.Write(text); err != nil {
			return err
		}
	}
	return zw.Close()
}
