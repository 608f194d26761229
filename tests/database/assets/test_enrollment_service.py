"""X1-ProgramEnrollment and X1-CtrlDvcStatusCheckResp as the hub calls them, without a socket (`integration.md` 3)."""

from __future__ import annotations

import json

import pytest

from assets import models
from assets.operations import enrollments
from outbound.transports import rest
from tests.database.assets.enrolling import answer_all
from tests.factories.assets import NOW, asset, enrollment_request, set_up_programs, unenrollment_request
from tests.factories.outbound import make_connection


pytestmark = pytest.mark.django_db
BASE = "/rest/apis/cross/digitalAssets"
ENROLL = f"{BASE}/programEnrollments/enroll"
UNENROLL = f"{BASE}/programEnrollments/unenroll"
RESPONSE = f"{BASE}/controllableDeviceStatus/response"


@pytest.fixture(autouse=True)
def program() -> models.Program:
    return set_up_programs()


@pytest.fixture
def call():
    client = rest.client(make_connection("DACS", base_url="tieline:///dacs", username="tieline"))

    def made(method: str, path: str, document: object = None):
        body = document if isinstance(document, bytes) else json.dumps(document).encode() if document else None
        answer = client.request(method, path, body=body, headers={"Content-Type": "application/json"})
        return answer.status, answer.json()

    return made


class TestEnroll:
    def test_the_reply_is_that_of_the_guide(self, call):
        status, answer = call("POST", ENROLL, enrollment_request())

        enrollment = models.Enrollment.objects.get()
        device = models.ControllableDevice.objects.get()
        subscription = models.ProgramSubscription.objects.get()
        assert status == 200
        assert answer == {
            "X1-DAEnroll": {
                **enrollment_request(),
                "enrollmentId": enrollment.identifier,
                "status": "PENDING",
                "deviceSetup": [
                    {
                        "sequence": 1,
                        "deviceId": device.device.identifier,
                        "nicId": "411912340001",
                        "headEndSystem": "ECOBEE",
                        "status": "PENDING",
                    }
                ],
                "relatedObjects": {
                    "contactId": models.Contact.objects.get().identifier,
                    "subscriptionId": subscription.usage_subscription.identifier,
                    "subscriptionStatus": "PENDING",
                    "programId": models.Program.objects.get().identifier,
                    "servicePointId": subscription.location.service_point.identifier,
                    "deviceLocationId": subscription.location.identifier,
                },
            }
        }
        assert len(answer["X1-DAEnroll"]["status"]) <= 12
        assert models.StatusChange.objects.filter(subject="enrollment").get().by == "tieline"

    def test_a_refusal_of_business_is_an_answer_with_an_exception(self, call):
        status, answer = call("POST", ENROLL, enrollment_request(programInfo={"programCode": "NO-SUCH"}))

        enrollment = answer["X1-DAEnroll"]
        assert (status, enrollment["status"]) == (200, "VALERROR")
        assert enrollment["exception"] == {
            "messageCategory": 11104,
            "messageNumber": 11204,
            "messageText": "There is no program NO-SUCH.",
        }
        assert "relatedObjects" not in enrollment

    def test_the_same_transaction_is_10589(self, call):
        call("POST", ENROLL, enrollment_request())

        status, answer = call("POST", ENROLL, enrollment_request())

        problem = answer["problemDetailDocument"]
        assert (status, problem["serverMessage"]["number"]) == (400, 10589)
        assert problem["detail"] == "Enrollment request with transaction ID DRMS-ENR-000001 already exists."

    def test_the_same_transaction_with_another_request_is_a_conflict(self, call):
        call("POST", ENROLL, enrollment_request())

        status, answer = call("POST", ENROLL, enrollment_request(customerInfo={"name": "Somebody Else"}))

        assert (status, answer["problemDetailDocument"]["serverMessage"]["number"]) == (409, 11202)

    @pytest.mark.parametrize(
        ("_case", "document", "said"),
        [
            ("no JSON", b"{", "The body is not valid JSON"),
            ("a list", [1], "A JSON object is expected."),
            ("no transaction", {**enrollment_request(), "transactionId": ""}, "transactionId"),
            ("a number as id", {**enrollment_request(), "transactionId": 17}, "transactionId"),
            ("a part is missing", {**enrollment_request(), "assetInfo": None}, "assetInfo"),
            ("no device", enrollment_request(assetInfo={"assetList": []}), "assetInfo.assetList"),
            ("method", enrollment_request(assetInfo={"installationMethod": "X1XX"}), "assetInfo.installationMethod"),
            ("too long", enrollment_request(assets=[asset(nicId="9" * 101)]), "assetInfo.assetList.0.nicId"),
            ("date", enrollment_request(programInfo={"startDate": "2023-02-30"}), "programInfo.startDate is no date"),
            ("date-time", enrollment_request(programInfo={"startDate": "10-15-2022 05:00:00PM"}), "startDate"),
            (
                "brought",
                enrollment_request(assets=[asset(nicId="")]),
                "nicId is required when installationMethod is X1SI",
            ),
        ],
    )
    def test_what_is_not_made_as_it_has_to_be_is_refused_and_not_kept(self, call, _case, document, said):
        status, answer = call("POST", ENROLL, document)

        problem = answer["problemDetailDocument"]
        assert (status, problem["httpStatus"], problem["serverMessage"]["number"]) == (400, 400, 11201)
        assert said in problem["detail"]
        assert models.Enrollment.objects.count() == 0

    def test_what_became_of_it_can_be_asked_for(self, call):
        _, made = call("POST", ENROLL, enrollment_request())
        key = made["X1-DAEnroll"]["enrollmentId"]
        enrollments.set_up(enrollment_id=models.Enrollment.objects.get().pk, at=NOW)

        status, answer = call("GET", f"{ENROLL}/{key}")

        assert status == 200
        enrollment = answer["X1-DAEnroll"]
        assert (enrollment["status"], enrollment["transactionId"]) == ("DEVICESETUP", "DRMS-ENR-000001")
        (setup,) = enrollment["deviceSetup"]
        assert (setup["status"], setup["communicationId"]) == (
            "CHECKING", models.Communication.objects.get().identifier,
        )  # fmt: skip
        answer_all()
        assert call("GET", f"{ENROLL}/{key}")[1]["X1-DAEnroll"]["status"] == "COMPLETE"

    @pytest.mark.parametrize("path", [f"{ENROLL}/1", f"{UNENROLL}/1"])
    def test_one_that_is_not_there_is_not_found(self, call, path):
        status, answer = call("GET", path)

        assert (status, answer["problemDetailDocument"]["serverMessage"]["number"]) == (404, 11210)


class TestUnenroll:
    def test_answers_and_can_be_asked_for(self, call):
        call("POST", ENROLL, enrollment_request())
        enrollments.set_up(enrollment_id=models.Enrollment.objects.get().pk, at=NOW)
        answer_all()

        status, answer = call("POST", UNENROLL, unenrollment_request())

        request = answer["X1-DAUnenrol"]
        assert (status, request["status"]) == (200, "COMPLETE")
        assert request["relatedObjects"]["subscriptionStatus"] == "INACTIVE"
        key = request["unenrollmentId"]
        assert call("GET", f"{UNENROLL}/{key}") == (200, answer)
        # One is not the other.
        assert call("GET", f"{ENROLL}/{key}")[0] == 404

    def test_without_a_program_is_refused(self, call):
        status, answer = call("POST", UNENROLL, {"transactionId": "U-1", "customerInfo": {"cisPersonId": "1"}})

        assert status == 400
        assert answer["problemDetailDocument"]["detail"] == "programInfo is required."


class TestDeviceStatus:
    @pytest.fixture
    def check(self) -> models.Communication:
        from tests.database.assets.enrolling import enroll

        enroll(enrollment_request())
        return models.Communication.objects.get()

    @pytest.mark.parametrize("name", ["transactionID", "transactionId"])
    def test_the_answer_completes_the_check(self, call, check, name):
        document = {"responseDetail": {name: check.identifier, "result": {"status": "SUCCESS"}}}

        assert call("POST", RESPONSE, document) == (
            200,
            {"boStatus": "COMPLETE", "communicationId": check.identifier},
        )
        assert models.ProgramSubscription.objects.get().status == "ACTIVE"
        assert call("POST", RESPONSE, document)[0] == 200

    def test_failure_is_an_answer_too(self, call, check):
        document = {"responseDetail": {"transactionID": check.identifier, "result": {"status": "FAILURE"}}}

        assert call("POST", RESPONSE, document)[0] == 200
        assert models.Enrollment.objects.get().status == "ERROR"
        other = {"responseDetail": {"transactionID": check.identifier, "result": {"status": "SUCCESS"}}}
        status, answer = call("POST", RESPONSE, other)
        assert (status, answer["problemDetailDocument"]["serverMessage"]["number"]) == (400, 11221)

    @pytest.mark.parametrize(
        ("_case", "document", "status", "number"),
        [
            ("nothing", {"x": 1}, 400, 11201),
            ("no id", {"responseDetail": {"result": {"status": "SUCCESS"}}}, 400, 11201),
            ("too long", {"responseDetail": {"transactionID": "1" * 31, "result": {"status": "SUCCESS"}}}, 400, 11201),
            ("no result", {"responseDetail": {"transactionID": "1"}}, 400, 11201),
            ("another word", {"responseDetail": {"transactionID": "1", "result": {"status": "MAYBE"}}}, 400, 11201),
            ("unknown", {"responseDetail": {"transactionID": "1", "result": {"status": "SUCCESS"}}}, 404, 11210),
        ],
    )
    def test_what_is_no_answer_is_refused(self, call, _case, document, status, number):
        found, answer = call("POST", RESPONSE, document)

        assert (found, answer["problemDetailDocument"]["serverMessage"]["number"]) == (status, number)


def test_a_person_without_the_right_is_turned_away(client, django_user_model):
    client.force_login(django_user_model.objects.create_user(username="nobody"))

    answer = client.post(f"/dacs{ENROLL}", data=json.dumps(enrollment_request()), content_type="application/json")

    assert answer.status_code == 403
    assert models.Enrollment.objects.count() == 0
