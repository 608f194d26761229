from django.db import migrations

from foundation.migration_operations import AddFoldedStartIndexAtWork


class Migration(migrations.Migration):

    # Indexes of large tables are made while the product runs.
    atomic = False

    dependencies = [
        ("vee", "0021_list_indexes"),
    ]

    operations = [
        AddFoldedStartIndexAtWork("readingfile", "name", "reading_file_name_start"),
    ]
