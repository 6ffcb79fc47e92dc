# One step of building the live page, for agent/page/CMakeLists.txt: STEP=install runs `npm ci` in FOLDER and leaves
# FOLDER/installed, which holds `yes` or why not; STEP=build makes FOLDER/page.cpp. A failure to install is an error
# with MODE=ON only; a page that cannot be built from what is installed is one always.

if(STEP STREQUAL "install")
  foreach(file package.json package-lock.json .npmrc)
    file(COPY_FILE ${SOURCES}/${file} ${FOLDER}/${file})
  endforeach()
  # Scripts of packages are not needed, and where there is no network an answer is wanted soon.
  execute_process(
    COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error
      --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-timeout=30000
    WORKING_DIRECTORY ${FOLDER}
    TIMEOUT 300
    RESULT_VARIABLE result
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  if(result EQUAL 0)
    file(WRITE ${FOLDER}/installed yes)
  else()
    string(STRIP "${output}" output)
    if(MODE STREQUAL "ON")
      message(FATAL_ERROR "npm ci failed for the live page (${result}):\n${output}")
    endif()
    file(WRITE ${FOLDER}/installed "npm ci failed (${result}):\n${output}\n")
  endif()
elseif(STEP STREQUAL "build")
  file(READ ${FOLDER}/installed installed)
  if(installed STREQUAL "yes")
    foreach(command
        "build.js;--modules;${FOLDER}/node_modules;--out;${FOLDER}/dist"
        "embed.js;${FOLDER}/dist;${FOLDER}/page.cpp")
      list(POP_FRONT command script)
      execute_process(
        COMMAND ${NODE} ${SOURCES}/${script} ${command}
        RESULT_VARIABLE result
        OUTPUT_VARIABLE output
        ERROR_VARIABLE output)
      if(NOT result EQUAL 0)
        message(FATAL_ERROR "${script} failed for the live page (${result}):\n${output}")
      endif()
    endforeach()
  else()
    message("The live page is left out of this build; configure again to try once more.\n${installed}")
    file(COPY_FILE ${WITHOUT} ${FOLDER}/page.cpp)
  endif()
else()
  message(FATAL_ERROR "STEP must be install or build, not '${STEP}'.")
endif()
