import time, pytest, requests
from tests.database.outbound.servers import serving
from outbound.transports import rest
from tests.factories.outbound import make_connection
@pytest.mark.django_db
def test_bench():
    with serving() as peer:
        s=requests.Session(); s.trust_env=False
        c=rest.client(make_connection(base_url=peer.url))
        for _ in range(50): s.post(peer.url+"/x",json={"a":1}); c.request("POST","x",json={"a":1})
        for _ in range(2):
            t=time.perf_counter()
            for _ in range(600): s.post(peer.url+"/x",json={"a":1}).json()
            a=time.perf_counter()-t
            t=time.perf_counter()
            for _ in range(600): c.request("POST","x",json={"a":1}).json()
            b=time.perf_counter()-t
            print(f"bare {600/a:.0f}/s ours {600/b:.0f}/s ratio {a/b:.2f}")
