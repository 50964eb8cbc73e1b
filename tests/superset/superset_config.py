"""Superset for one look at one machine: whoever comes is the administrator."""

import os

SECRET_KEY = "for one look on one machine"
SQLALCHEMY_DATABASE_URI = f"sqlite:///{os.environ['SUPERSET_HOME']}/superset.db"
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False


def FLASK_APP_MUTATOR(app):
    from flask_login import current_user, login_user

    @app.before_request
    def log_in():
        if not current_user.is_authenticated:
            login_user(app.appbuilder.sm.find_user("admin"))
