"""The JupyterLab that the browser tests talk to: a fresh workspace, no token, this machine only."""

import os

from jupyterlab.galata import configure_jupyter_server

c = get_config()  # noqa: F821  # Jupyter runs this file with that name in it
configure_jupyter_server(c)
c.ServerApp.port = int(os.environ.get("GLASSBLOCK_UI_PORT", "8899"))
c.ServerApp.port_retries = 0
c.ServerApp.open_browser = False
c.ServerApp.allow_root = True  # containers and CI often have no other user
