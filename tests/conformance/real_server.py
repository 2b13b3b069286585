"""The connection of the recorders to a real API server."""
import base64, http.client, json, ssl, tempfile


def connect(kubeconfig):
    """An HTTPS connection with the certificates of a kubeconfig that `cargo xtask kubeone up` has written."""
    with open(kubeconfig) as file:
        config = json.load(file)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    tls = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    with file_of(user["client-certificate-data"]) as certificate, file_of(user["client-key-data"]) as key:
        tls.load_cert_chain(certificate.name, key.name)
    return http.client.HTTPSConnection(cluster["server"].removeprefix("https://"), context=tls)


def file_of(text):
    """Python reads certificates from files only."""
    file = tempfile.NamedTemporaryFile()
    file.write(base64.b64decode(text))
    file.flush()
    return file
