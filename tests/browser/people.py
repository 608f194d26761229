"""Who uses the product in a browser, and how they log in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, User
from playwright.sync_api import Page


PASSWORD = "a-long-password-1"


def somebody(username: str, group: str) -> User:
    """Make a person of one of the product's groups, with the password of all."""
    person = User.objects.create_user(username, password=PASSWORD, is_staff=True)
    person.groups.add(Group.objects.get(name=group))
    return person


def log_in(page: Page, product: Any, username: str = "admin", *, where: str = "/admin/") -> None:
    """Log in on the page that leads to a place, and come there."""
    page.goto(f"{product.url}/admin/login/?next={where}")
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(lambda address: "/admin/login/" not in address)


def press(page: Page, key: str) -> None:
    """Press a key as a person does: when the page has come whole, the scripts that listen for keys included."""
    page.wait_for_load_state()
    page.keyboard.press(key)
