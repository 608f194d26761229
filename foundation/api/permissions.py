"""Rights on API addresses: Django's own model permissions, reads included."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class HasRights(BasePermission):
    """
    The caller has the permissions that the view names for the request's method.

    A view declares `rights = {"GET": ["vee.view_todo"], "POST": [...]}`; a method that it does not name is refused.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not user or not user.is_authenticated:
            return False
        method = "GET" if request.method in ("HEAD", "OPTIONS") else request.method
        needed = view.rights_for(request) if hasattr(view, "rights_for") else view.rights.get(method)
        if needed is None:
            # Let the view answer 405 for a method that it does not have.
            return method not in view.allowed_methods
        return bool(user.has_perms(needed))
