# Debian packages, made by `deploy/local/build.sh --deb`: one for each program, one for the pages, and vora-local, which pulls them in and starts
# them all. No file lies in two of them. Not a part of the build: nothing here is made unless cpack is asked for it.

# Whoever passes packages on gives an address that is read.
set(VORA_MAINTAINER "Vora maintainers <maintainers@vora.invalid>" CACHE STRING "Who the Debian packages say made them")

set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS ${CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS})

# _vora_package(NAME SUMMARY DESCRIPTION)   a package, which holds the install component of its name
macro(_vora_package name summary description)
  install(FILES ${CMAKE_SOURCE_DIR}/cmake/copyright DESTINATION share/doc/${name} COMPONENT ${name})
  list(APPEND CPACK_COMPONENTS_ALL ${name})
  string(TOUPPER ${name} component)
  set(CPACK_DEBIAN_${component}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${component}_DESCRIPTION "${summary}\n${description}")
endmacro()

# _vora_program_package(NAME PROGRAM SUMMARY DESCRIPTION)   its libraries become what it depends on
macro(_vora_program_package name program summary description)
  _vora_package(${name} "${summary}" "${description}")
  install(TARGETS ${program} RUNTIME DESTINATION bin COMPONENT ${name})
  set(CPACK_DEBIAN_${component}_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_${component}_PACKAGE_RECOMMENDS ca-certificates)
endmacro()

set(CPACK_COMPONENTS_ALL "")
_vora_program_package(vora-upload vora-upload "video platform Vora: resumable uploads"
  "Takes uploads over tus 1.0.0 into an object store, on any replica, and tells\nwho listens when one is complete.")
_vora_program_package(vora-metadata vora-metadata "video platform Vora: videos, REST and gRPC"
  "Knows every video and what becomes of it, in PostgreSQL; serves REST, gRPC,\nevents, webhooks and the console.")
_vora_program_package(vora-orchestrator vora-orchestrator "video platform Vora: durable workflows"
  "Keeps the history of every workflow in PostgreSQL and hands the work out to\nworkers, any of which may die.")
_vora_program_package(vora-transcode-worker vora-transcode-worker "video platform Vora: transcoding"
  "Turns uploaded videos into adaptive streams, segment by segment, decoding in\na sandbox.")
_vora_program_package(vora-streaming-gateway vora-streaming-gateway "video platform Vora: HLS and DASH"
  "Serves manifests and segments to players and caches, and checks playback\ntokens.")
_vora_program_package(vora-analytics-ingest vora-analytics-ingest "video platform Vora: events of players"
  "Takes what players report into a spool on disk, and from there into\nClickHouse, exactly once.")
_vora_program_package(vora-amqp vora-amqp "video platform Vora: tasks from a broker"
  "Takes tasks from a queue of RabbitMQ, plain ones or Celery's, makes videos of\nthem, and answers what becomes of those.")
_vora_program_package(vora-cli vora "video platform Vora: command line client"
  "Uploads, lists, follows, retries and deletes videos: the command vora.")

_vora_package(vora-console "video platform Vora: pages"
  "The pages that vora-metadata serves: uploads, library, player, analytics and\nthe fleet.")
install(DIRECTORY ${CMAKE_SOURCE_DIR}/services/console/dist/ DESTINATION share/vora/console COMPONENT vora-console)

_vora_package(vora-local "video platform Vora: all of it on one machine"
  "Brings every part of Vora and what they need, and the commands vora-up,\nvora-down, vora-backup and vora-restore. A stack is its user's own, lies in\n~/.local/state/vora and listens on loopback only.")
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/commands)
foreach(script up down backup restore)
  install(PROGRAMS ${CMAKE_SOURCE_DIR}/deploy/local/${script}.sh DESTINATION share/vora/local COMPONENT vora-local)
  file(CREATE_LINK ../share/vora/local/${script}.sh ${CMAKE_BINARY_DIR}/commands/vora-${script} SYMBOLIC)
  install(FILES ${CMAKE_BINARY_DIR}/commands/vora-${script} DESTINATION bin COMPONENT vora-local)
endforeach()
install(FILES
  ${CMAKE_SOURCE_DIR}/deploy/local/stack.sh ${CMAKE_SOURCE_DIR}/deploy/local/packages.sh ${CMAKE_SOURCE_DIR}/deploy/local/backup_check.sh
  ${CMAKE_SOURCE_DIR}/deploy/varnish/default.vcl.in DESTINATION share/vora/local COMPONENT vora-local)

foreach(component VORA-CONSOLE VORA-LOCAL)
  set(CPACK_DEBIAN_${component}_PACKAGE_ARCHITECTURE all)
endforeach()
# The same list that up.sh goes by in a checkout, and the other packages of this very version.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/deploy/local/packages.sh)
file(STRINGS ${CMAKE_SOURCE_DIR}/deploy/local/packages.sh run_packages REGEX "^RUN_PACKAGES=\\(.*\\)$")
if(NOT run_packages MATCHES "^RUN_PACKAGES=\\((.+)\\)$")
  message(FATAL_ERROR "RUN_PACKAGES is not one line of deploy/local/packages.sh: what vora-local depends on is read there")
endif()
string(REPLACE " " ", " depends "${CMAKE_MATCH_1}")
foreach(name ${CPACK_COMPONENTS_ALL})
  if(NOT name STREQUAL vora-local)
    string(APPEND depends ", ${name} (= ${PROJECT_VERSION})")
  endif()
endforeach()
set(CPACK_DEBIAN_VORA-LOCAL_PACKAGE_DEPENDS "${depends}")

set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_STRIP_FILES ON)
set(CPACK_THREADS 0)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${VORA_MAINTAINER}")
set(CPACK_DEBIAN_PACKAGE_SECTION video)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
