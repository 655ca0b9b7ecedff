"""Pictures of what stands in an archive: slices of DICOM files, and the snapshots that XNAT keeps."""

from __future__ import annotations

import io
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from xnat_tui.errors import BadAnswer, NotFound, UsageError, XnatTuiError
from xnat_tui.model.display import size_words
from xnat_tui.model.entities import Kind
from xnat_tui.model.place import Place
from xnat_tui.services.dicom.headers import dicom_files, files_of
from xnat_tui.services.reading.reader import Reader
from xnat_tui.xnat.files.dicom import read_header
from xnat_tui.xnat.files.dicom_files import DAMAGE, DamagedDicomError, NotDicomError, quietly, read_whole
from xnat_tui.xnat.http.connection import encode_uri

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pydicom import Dataset

    Values = NDArray[np.float32]

PICTURE_SUFFIXES = frozenset({".gif", ".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"})
SNAPSHOTS = "SNAPSHOTS"
LARGEST_FILE = 300_000_000
"""Bytes of a file that is still fetched for a picture."""
_MOST_PIXELS = 100_000_000
_LONGEST_SIDE = 1024
"""Pixels of a frame's side that are kept: no terminal shows more."""
_KEPT_FILES = 4
MOST_ORDERED = 1000
"""Files of which so much as the beginning is read in order to sort them."""
_ORDER = ("ImagePositionPatient", "ImageOrientationPatient", "InstanceNumber")
_INSTALL = "Install it with: pip install 'xnat-tui[image]'"
_DECODERS = "Look at its snapshots: s. Decoders: pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg"


@dataclass(frozen=True, slots=True)
class Window:
    """The values from which black and to which white goes, as centre and width (DICOM C.11.2.1.2)."""

    centre: float
    width: float

    def moved(self, centre: int = 0, width: int = 0) -> Window:
        """Brighter or darker, flatter or steeper, by tenths of the width."""
        return Window(self.centre + centre * self.width / 10, max(self.width * 1.2**width, 1e-6))


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded picture: values of one channel, or red, green and blue from 0 to 255."""

    values: Values
    window: Window
    aspect: float = 1.0
    """Height of a pixel as a multiple of its width."""
    inverted: bool = False
    number: int = 0
    frames: int = 1
    """Which picture of the file this is, counted from 0, and how many there are."""
    about: str = ""

    @property
    def coloured(self) -> bool:
        return self.values.ndim == 3


@dataclass(frozen=True, slots=True)
class Picture:
    """Eight-bit red, green and blue, row by row, top left first."""

    width: int
    height: int
    rgb: bytes

    def pixel(self, column: int, row: int) -> tuple[int, int, int]:
        """Red, green and blue, each from 0 to 255."""
        at = 3 * (row * self.width + column)
        return self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]


class Images:
    """The pictures of one scan, resource or file. Files are fetched one at a time, and few are kept."""

    def __init__(self, reader: Reader, place: Place) -> None:
        self._reader = reader
        self._place = place
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def files(self) -> list[Place]:
        """DICOM files in the order of their names; without any, what snapshots there are.

        Raises NotFound without either.
        """
        item = self._place.item
        if item is not None and item.kind is Kind.FILE and is_picture(item.key):
            return [self._place]
        try:
            return dicom_files(self._reader, self._place)
        except NotFound:
            if snapshots := self.snapshots():
                return snapshots
            raise

    def in_order(self, files: Sequence[Place]) -> list[Place]:
        """DICOM files as their slices lie: along their normal, where one stands at each position, else by
        instance number. Reads the beginning of every file; what tells neither comes last, by name.

        Raises UsageError for too many files, and what reading them raises.
        """
        if len(files) > MOST_ORDERED:
            raise UsageError(f"{len(files)} files are too many to be read for their order.")
        headers: list[tuple[Place, Dataset]] = []
        others: list[Place] = []
        for file in files:
            assert file.item is not None, "a file is an item"
            try:
                header = read_header(self._reader.connection, file.item.uri, names=_ORDER)
            except BadAnswer:
                others.append(file)
            else:
                headers.append((file, header))
        places = [_along_normal(header) for _, header in headers]
        if None in places or len(set(places)) < len(places):
            places = [_first_number(header.get("InstanceNumber")) for _, header in headers]
        known = [(place, file) for place, (file, _) in zip(places, headers, strict=True) if place is not None]
        others += [file for place, (file, _) in zip(places, headers, strict=True) if place is None]
        return [file for _, file in sorted(known, key=lambda one: one[0])] + others

    def snapshots(self) -> list[Place]:
        """Pictures that XNAT made itself of this scan, the large ones first; of a resource, its pictures."""
        item = self._place.item
        if item is None:
            return []
        if item.kind is Kind.RESOURCE:
            resources = [self._place]
        else:
            listing = self._reader.below(self._place, Kind.RESOURCE)
            resources = [self._place.child(one) for one in listing.items if one.key == SNAPSHOTS]
        found = [file for one in resources for file in files_of(self._reader, one) if _named_picture(file)]
        return sorted(found, key=_is_thumbnail)

    def frame(self, file: Place, number: int = 0) -> Frame:
        """One picture of a file, counted from 0. Downloads the file unless it was among the last ones.

        Raises UsageError where a library is missing or the file is too large, BadAnswer where there is no
        picture in it, and what a download raises.
        """
        _need("numpy")
        item = file.item
        assert item is not None, "a file is an item"
        if item.bytes is not None and item.bytes > LARGEST_FILE:
            raise UsageError(f"{item.key} has {size_words(item.bytes)}.", "Export it, and view it there.")
        content = self._content(item.uri)
        decode: Callable[[bytes, int], Frame] = _decode_picture if is_picture(item.key) else _decode_dicom
        return _shrunk(decode(content, number))

    def _content(self, uri: str) -> bytes:
        kept = self._kept.pop(uri, None)
        if kept is None:
            with self._reader.connection.download(encode_uri(uri)) as download:
                kept = download.read(LARGEST_FILE)
        self._kept[uri] = kept
        while len(self._kept) > _KEPT_FILES:
            self._kept.popitem(last=False)
        return kept


def is_picture(name: str) -> bool:
    """Whether a file's name is that of a picture that needs no DICOM."""
    return PurePosixPath(name).suffix.lower() in PICTURE_SUFFIXES


def draw(frame: Frame, width: int, height: int, window: Window | None = None) -> Picture:
    """A frame, scaled to fit into so many square pixels with its true proportions."""
    import numpy as np

    rows, columns = frame.values.shape[:2]
    scale = min(width / columns, height / (rows * frame.aspect))
    size = max(1, round(columns * scale)), max(1, round(rows * frame.aspect * scale))
    values = _resampled(_resampled(frame.values, size[1], 0), size[0], 1)
    if not frame.coloured:
        chosen = window or frame.window
        low = chosen.centre - chosen.width / 2
        values = (values - low) * (255 / chosen.width)
        values = 255 - values if frame.inverted else values
        values = np.repeat(values[:, :, None], 3, axis=2)
    return Picture(*size, np.clip(values, 0, 255).astype(np.uint8).tobytes())


def _shrunk(frame: Frame) -> Frame:
    values = frame.values
    for axis in (0, 1):
        values = _resampled(values, min(values.shape[axis], _LONGEST_SIDE), axis)
    shrunk = [before / after for before, after in zip(frame.values.shape, values.shape, strict=True)]
    return replace(frame, values=values, aspect=frame.aspect * shrunk[0] / shrunk[1])


def _resampled(values: Values, size: int, axis: int) -> Values:
    """Shrunk by means over what falls into a pixel, enlarged by repeating the nearest."""
    import numpy as np

    length = values.shape[axis]
    if size >= length:
        enlarged: Values = np.take(values, np.arange(size) * length // size, axis=axis)
        return enlarged
    starts = np.arange(size) * length // size
    counts = np.diff(np.append(starts, length))
    shape = [1] * values.ndim
    shape[axis] = size
    sums: Values = np.add.reduceat(values, starts, axis=axis, dtype=np.float32)
    shrunk: Values = np.divide(sums, counts.reshape(shape), dtype=np.float32)
    return shrunk


def _decode_dicom(content: bytes, number: int) -> Frame:
    import numpy as np
    from pydicom.errors import BytesLengthException

    failure: XnatTuiError
    compression = "This file"
    try:
        header = read_whole(content)
        with quietly():
            compression = header.file_meta.TransferSyntaxUID.name
            if "PixelData" not in header and "FloatPixelData" not in header:
                raise BadAnswer("There is no picture in this file.", "Look at its header: D.")
            _check_size(header.get("Rows", 0), header.get("Columns", 0))
            return _from_header(header, number)
    except NotDicomError:
        failure = BadAnswer("This is no DICOM file.", "Look at another file.")
    except (NotImplementedError, RuntimeError, ImportError):
        failure = UsageError(f"{compression} cannot be decoded here.", _DECODERS)
    except (*DAMAGE, DamagedDicomError, BytesLengthException, np.exceptions.AxisError):
        failure = BadAnswer("The picture in this file is damaged.", "Look at another file.")
    raise failure


def _from_header(header: Dataset, number: int) -> Frame:
    import numpy as np
    from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
    from pydicom.pixels.utils import pixel_array

    frames = int(header.get("NumberOfFrames", 1) or 1)
    number = min(max(number, 0), frames - 1)
    values: NDArray[Any] = pixel_array(header, index=number)
    inverted = header.get("PhotometricInterpretation") == "MONOCHROME1"
    if header.get("PhotometricInterpretation") == "PALETTE COLOR":
        values = apply_color_lut(values, header)
    if values.ndim == 2:
        values = apply_modality_lut(values, header)
    elif values.dtype.itemsize > 1:
        values = values / 257
    values = values.astype(np.float32)
    about = _about(header, values.shape)
    return Frame(values, _window(header, values), _aspect(header), inverted, number, frames, about)


def _window(header: Dataset, values: Values) -> Window:
    """The one that the file suggests, else one that most of the values fall into."""
    import numpy as np

    given = [_first_number(header.get(name)) for name in ("WindowCenter", "WindowWidth")]
    if given[0] is not None and given[1] is not None and given[1] >= 1:
        return Window(given[0], given[1])
    finite = values[np.isfinite(values)]
    if not finite.size:
        return Window(0, 1)
    low, high = (float(one) for one in np.percentile(finite, (1, 99)))
    return Window((low + high) / 2, max(high - low, 1e-6))


def _aspect(header: Dataset) -> float:
    for name in ("PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio"):
        given = header.get(name)
        if given is not None and len(given) == 2 and all(float(one) > 0 for one in given):
            return min(max(float(given[0]) / float(given[1]), 0.05), 20.0)
    return 1.0


def _about(header: Dataset, shape: tuple[int, ...]) -> str:
    """What tells a slice from its neighbours; nothing about the patient."""
    words = [f"{shape[1]} × {shape[0]}"]
    if number := _first_number(header.get("InstanceNumber")):
        words.insert(0, f"instance {number:g}")
    position = _first_number(header.get("SliceLocation"))
    if position is not None:
        words.append(f"at {position:.1f} mm")
    return "  ".join(words)


def _along_normal(header: Dataset) -> float | None:
    """Millimetres along the normal of the image plane (DICOM C.7.6.2.1.1), None where it is not told."""
    position, orientation = (header.get(name) for name in _ORDER[:2])
    try:
        x, y, z = (float(one) for one in position)
        a, b, c, d, e, f = (float(one) for one in orientation)
    except (TypeError, ValueError):
        return None
    return round(x * (b * f - c * e) + y * (c * d - a * f) + z * (a * e - b * d), 3)


def _first_number(value: object) -> float | None:
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = value[0] if value else None
    try:
        return float(str(value))
    except ValueError:
        return None


def _decode_picture(content: bytes, number: int) -> Frame:
    _need("PIL")
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    failure: XnatTuiError
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as opened:
                _check_size(opened.height, opened.width)
                frames = int(getattr(opened, "n_frames", 1))
                number = min(max(number, 0), frames - 1)
                opened.seek(number)
                values = np.asarray(opened.convert("RGB"), dtype=np.float32)
    except UnidentifiedImageError:
        failure = BadAnswer("This is no picture that can be shown.", "Export it.")
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        failure = BadAnswer("The picture in this file is damaged.", "Look at another file.")
    else:
        about = f"{values.shape[1]} × {values.shape[0]}"
        return Frame(values, Window(127.5, 255), number=number, frames=frames, about=about)
    raise failure


def _check_size(rows: int, columns: int) -> None:
    if rows * columns > _MOST_PIXELS:
        raise UsageError(f"This picture has {columns} × {rows} pixels.", "Export it, and view it there.")


def _need(module: str) -> None:
    from importlib.util import find_spec

    if find_spec(module) is None:
        library = {"PIL": "Pillow"}.get(module, module)
        raise UsageError(f"Pictures need {library}, which is not installed.", _INSTALL)


def _named_picture(file: Place) -> bool:
    return file.item is not None and is_picture(file.item.key)


def _is_thumbnail(file: Place) -> bool:
    """XNAT ends the names of its small snapshots in `_t`."""
    return file.item is not None and PurePosixPath(file.item.key).stem.endswith("_t")
