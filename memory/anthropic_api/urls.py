from django.urls import path, re_path

from memory.anthropic_api import memories, stores, versions, writes
from memory.anthropic_api.transport import address, nothing_here

STORES = "memory_stores"
STORE = f"{STORES}/<str:store_id>"
MEMORY = f"{STORE}/memories/<str:memory_id>"
VERSION = f"{STORE}/memory_versions/<str:version_id>"

urlpatterns = [
    path(STORES, address(GET=stores.list_stores, POST=stores.new_store), name="anthropic_stores"),
    path(
        STORE,
        address(GET=stores.retrieve_store, POST=stores.change_store, DELETE=stores.delete),
        name="anthropic_store",
    ),
    path(f"{STORE}/archive", address(POST=stores.archive), name="anthropic_archive"),
    path(f"{STORE}/memories", address(GET=memories.list_memories, POST=writes.create), name="anthropic_memories"),
    path(
        MEMORY, address(GET=memories.retrieve_memory, POST=writes.update, DELETE=writes.delete), name="anthropic_memory"
    ),
    path(f"{STORE}/memory_versions", address(GET=versions.list_versions), name="anthropic_versions"),
    path(VERSION, address(GET=versions.retrieve_version), name="anthropic_version"),
    path(f"{VERSION}/redact", address(POST=writes.redact), name="anthropic_redact"),
    re_path("", nothing_here, name="anthropic_nothing"),
]
