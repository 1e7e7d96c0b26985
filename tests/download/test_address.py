"""URLs are requested as they are written."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from affectflow.download.address import Address
from affectflow.download.outcomes import Failed


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/a%28b%29.jpg?sig=x%2Fy%2Bz%3D",
        "http://a.example/a%2fb%2Fc.jpg",
        "http://a.example/100%.jpg",
        "http://a.example/q?",
        "http://a.example/a/../b/./c//d",
        "http://a.example/?u=http://b.example/?x=1&y=[2]&z=a;b,c!*'()",
        "https://a.example:8443/%E4%BE%8B?%00",
        "http://a.example/a+b~c_d-e.f",
        "http://[2001:db8::1]:8080/x",
    ],
)
def test_as_written(url: str) -> None:
    assert str(Address.parse(url)) == url


@pytest.mark.parametrize(
    "url, requested",
    [
        ("http://a.example", "http://a.example/"),
        (" HTTP://A.example:80/x ", "http://a.example/x"),
        ("http://user:pw@a.example/x#top", "http://a.example/x"),
        ("http://a.example/a b\tc\nd", "http://a.example/a%20b%09c%0Ad"),
        ("http://a.example/ü/日本?ö", "http://a.example/%C3%BC/%E6%97%A5%E6%9C%AC?%C3%B6"),
        ('http://a.example/"<>\\^`{|}', "http://a.example/%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://%61.example/", "http://a.example/"),
        ("http://a.example?x", "http://a.example/?x"),
    ],
)
def test_what_cannot_stand_in_a_request_is_encoded(url: str, requested: str) -> None:
    assert str(Address.parse(url)) == requested


@pytest.mark.parametrize(
    "url",
    [
        *("", "x", "ftp://a/", "http://", "http:///x", "http://:80/", "http://a:99999/", "http://a:0/", "http://][@"),
        *("http://[::1/", "http://x%00/", "http://x%00.example/a.jpg", "http://[fe80::1%25ß]/", "http://a%20b/"),
        *("http://a b/", "http://a<b>/", "http://a%2Fb/", "http://" + "x" * 70_000),
    ],
)
def test_what_is_not_a_url(url: str) -> None:
    with pytest.raises(Failed) as failed:
        Address.parse(url)
    assert failed.value.outcome == "bad_url" and failed.value.detail


@pytest.mark.parametrize(
    "location, target",
    [
        ("/signed/a%28b%29.jpg?sig=x%2Fy", "http://a.example:81/signed/a%28b%29.jpg?sig=x%2Fy"),
        ("/q?", "http://a.example:81/q?"),
        ("g%2fh", "http://a.example:81/d/e/g%2fh"),
        ("../g", "http://a.example:81/d/g"),
        ("?y", "http://a.example:81/d/e/f?y"),
        ("#y", "http://a.example:81/d/e/f?x"),
        ("", "http://a.example:81/d/e/f?x"),
        ("//b.example/x", "http://b.example/x"),
        ("https://b.example/x#y", "https://b.example/x"),
        (" /x ", "http://a.example:81/x"),
        ("/\\b.example/", "http://a.example:81/%5Cb.example/"),
    ],
)
def test_redirects(location: str, target: str) -> None:
    assert str(Address.parse("http://a.example:81/d/e/f?x").join(location)) == target


@given(st.text(max_size=60) | st.text(max_size=60).map("http://".__add__) | st.binary(max_size=60).map(bytes.hex))
@example("//x%00/")
@example("http://[fe80::1%ß]/")
@example("http://][@")
@example("?" * 10)
def test_any_location_is_a_target_or_an_outcome(location: str) -> None:
    try:
        target = Address.parse("http://a.example/d/e").join(location)
    except Failed as failed:
        assert failed.outcome == "bad_url"
    else:
        assert str(target).isascii() and str(target).isprintable() and " " not in str(target)
        assert Address.parse(str(target)) == target
