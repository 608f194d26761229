from __future__ import annotations

from collections import Counter
from datetime import date

from integration.demo.enrollments import EnrollmentLabel, generate_collections


ON = date(2024, 5, 6)


class TestGenerateCollections:
    def test_the_same_seed_gives_the_same_collections(self) -> None:
        assert generate_collections(run="R", records=60, on=ON, seed=7) == generate_collections(
            run="R", records=60, on=ON, seed=7
        )

    def test_they_hold_25_records_each_with_names_of_their_own(self) -> None:
        collections = generate_collections(run="R", records=60, on=ON, seed=7)

        assert [len(collection) for collection in collections] == [25, 25, 10]
        names = [enrollment.record["messageId"] for collection in collections for enrollment in collection]
        assert names == [f"R-ENR-{index:06d}" for index in range(60)]

    def test_labels_have_their_shares(self) -> None:
        collections = generate_collections(run="R", records=300, on=ON, seed=7)

        labels = Counter(enrollment.label for collection in collections for enrollment in collection)

        assert labels == {
            EnrollmentLabel.CLEAN: 244,
            EnrollmentLabel.NO_TRANSLATION: 15,
            EnrollmentLabel.PERSON_NOT_KNOWN: 21,
            EnrollmentLabel.DUPLICATE: 18,
            EnrollmentLabel.TIMEOUT: 2,
        }

    def test_a_collection_has_at_most_one_record_that_is_not_answered(self) -> None:
        for collection in generate_collections(run="R", records=300, on=ON, seed=7):
            assert sum(enrollment.label is EnrollmentLabel.TIMEOUT for enrollment in collection) <= 1

    def test_the_first_record_of_a_collection_is_answered(self) -> None:
        for collection in generate_collections(run="R", records=300, on=ON, seed=7):
            assert collection[0].label is not EnrollmentLabel.TIMEOUT

    def test_a_label_shows_in_its_record(self) -> None:
        collections = generate_collections(run="R", records=300, on=ON, seed=7)
        for enrollment in (enrollment for collection in collections for enrollment in collection):
            asset = enrollment.record["assetInfo"]["assetList"][0]
            person = enrollment.record["customerInfo"]["cisPersonId"]
            is_untranslated = enrollment.label is EnrollmentLabel.NO_TRANSLATION
            assert (asset["specification"] == "ACME!PROTOTYPE-1") == is_untranslated
            assert person.endswith("999") == (enrollment.label is EnrollmentLabel.PERSON_NOT_KNOWN)
